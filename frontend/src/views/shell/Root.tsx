import { SessionContext, useApp } from '../parts/context';
import { LoadFailure } from '../parts/LoadFailure';
import { Shell } from './Shell';
import { Splash } from './Splash';

const loadAuth = () => import('../account/AuthScreen');

export function Root() {
  const { auth, parts, session } = useApp();
  // Who logs out may have no connection then, so this is loaded before.
  const screen = parts.of(loadAuth);
  const state = auth.state.value;
  if (state.phase === 'restoring') return <Splash failed={state.failed} />;
  if (state.phase === 'signed_out' || !session.value) {
    const Screen = screen.value?.AuthScreen;
    if (Screen) return <Screen />;
    if (!screen.failed.value) return <Splash failed={false} />;
    return (
      <main class="splash">
        <LoadFailure error="This page cannot be loaded." onAgain={() => screen.again()} />
      </main>
    );
  }
  return (
    <SessionContext.Provider value={session.value} key={session.value.user_id}>
      <Shell user={state.phase === 'signed_in' ? state.user : null} />
    </SessionContext.Provider>
  );
}
