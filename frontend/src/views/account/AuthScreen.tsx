import { useEffect } from 'preact/hooks';
import { useApp } from '../parts/context';
import { KeepingNotice } from '../parts/KeepingNotice';
import { LoadFailure } from '../parts/LoadFailure';
import { Logo } from '../parts/Logo';
import { ThemeToggle } from '../parts/ThemeToggle';
import { Login } from './Login';
import { Setup, SignUp } from './SignUp';

const loadInvited = () => import('./Invited');

export function AuthScreen() {
  const { about, router, auth } = useApp();
  const route = router.route.value;
  useEffect(() => void about.load(), [about]);
  const state = auth.state.value;
  const notice = state.phase === 'signed_out' ? state.notice : null;
  return (
    <div class="auth">
      <header class="auth-promise">
        <Logo size={44} />
        <p class="auth-name">Tailwire</p>
        <p class="auth-claim">Messages that arrive once, in order, and stay.</p>
        <p class="auth-detail">
          A messaging server you run yourself. Lose the network, close the lid, come back: you get
          exactly what you missed.
        </p>
        <svg class="auth-wire" viewBox="0 0 480 120" aria-hidden="true" preserveAspectRatio="none">
          <path d="M0 84h96c34 0 40-18 52-40 10-18 18-26 30-26s20 8 30 26c12 22 18 40 52 40h220" />
        </svg>
      </header>
      <main class="auth-main">
        <div class="auth-corner">
          <ThemeToggle />
        </div>
        <div class="auth-card">
          <KeepingNotice look="callout" />
          {notice && (
            <p class="callout" role="status">
              {notice}
            </p>
          )}
          {route.name === 'signup' ? (
            <SignUp key="signup" />
          ) : route.name === 'invite' ? (
            <InvitedPlace key={route.code} code={route.code} />
          ) : route.name === 'setup' ? (
            <Setup key="setup" token={route.token} />
          ) : (
            <Login key="login" />
          )}
        </div>
      </main>
    </div>
  );
}

/** Where an invite leads. It is no part of what is loaded for every log-in. */
function InvitedPlace({ code }: { code: string }) {
  const part = useApp().parts.of(loadInvited);
  const Invited = part.value?.Invited;
  if (Invited) return <Invited code={code} />;
  return (
    <>
      <h1>Invitation</h1>
      {part.failed.value ? (
        <LoadFailure error="This page cannot be loaded." onAgain={() => part.again()} />
      ) : (
        <p role="status">Opening the invitation…</p>
      )}
    </>
  );
}
