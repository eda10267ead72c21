import { useEffect } from 'preact/hooks';
import type { Lazy } from '../../browser/lazy';
import { SessionContext, useApp } from '../parts/context';
import { LoadFailure } from '../parts/LoadFailure';
import { Splash } from './Splash';

const loadAuth = () => import('../account/AuthScreen');
const loadShell = () => import('./Shell');

export function Root() {
  const { auth, parts, session } = useApp();
  // Who logs out may have no connection then, so this is loaded before.
  const screen = parts.of(loadAuth);
  const shell = parts.of(loadShell);
  const state = auth.state.value;
  const isStranger = state.phase === 'signed_out' || !session.value;
  const shown = screen.loaded !== null;
  useEffect(() => {
    // Who was logged in will be so again, and who has the form before them will be soon.
    if (auth.wasSignedIn || shown) shell.load();
  }, [auth, shell, shown]);
  if (state.phase === 'restoring') return <Splash failed={state.failed} />;
  if (isStranger) {
    const Screen = screen.value?.AuthScreen;
    return Screen ? <Screen /> : <Missing part={screen} />;
  }
  const Shell = shell.value?.Shell;
  if (!Shell) return <Missing part={shell} />;
  return (
    <SessionContext.Provider value={session.value} key={session.value?.user_id}>
      <Shell user={state.phase === 'signed_in' ? state.user : null} />
    </SessionContext.Provider>
  );
}

/** What stands where a part of the page is not loaded yet. */
function Missing({ part }: { part: Lazy<unknown> }) {
  if (!part.failed.value) return <Splash failed={false} />;
  return (
    <main class="splash">
      <LoadFailure error="This page cannot be loaded." onAgain={() => part.again()} />
    </main>
  );
}
