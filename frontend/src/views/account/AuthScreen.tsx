import { useEffect } from 'preact/hooks';
import { nameIn } from '../../browser/text';
import { useApp } from '../parts/context';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { KeepingNotice } from '../parts/KeepingNotice';
import { Logo } from '../parts/Logo';
import { ThemeToggle } from '../parts/ThemeToggle';
import { PasswordField } from './PasswordField';
import { Invited, Setup, SignUp } from './SignUp';

/** What is said to newcomers below the log-in, by who may sign up. */
const NEW_HERE = {
  open: (
    <>
      New here? <a href="#/signup">Create an account</a>
    </>
  ),
  invite: 'New here? Open the link of your invitation.',
  closed: null,
};

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
            <Invited key="invite" code={route.code} />
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

function Login() {
  const { about, auth } = useApp();
  const form = useForm({
    names: ['username', 'password'],
    check: ({ username, password }) => [
      ...wrongIf(!nameIn(username), 'username', 'Enter your username.'),
      ...wrongIf(!password, 'password', 'Enter your password.'),
    ],
    send: ({ username, password }) => auth.login(nameIn(username), password),
  });
  return (
    <FormCard
      form={form}
      send="Log in"
      sending="Logging in…"
      wide
      labelledBy="auth-title"
      foot={about.server.value && NEW_HERE[about.server.value.signup]}
    >
      <h1 id="auth-title">Log in</h1>
      <Field label="Username" {...form.field('username')} autoComplete="username" plain />
      <PasswordField label="Password" {...form.field('password')} />
    </FormCard>
  );
}
