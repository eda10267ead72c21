import { AuthScreen } from '../account/AuthScreen';
import { SessionContext, useApp } from '../parts/context';
import { Shell } from './Shell';
import { Splash } from './Splash';

export function Root() {
  const { auth, session } = useApp();
  const state = auth.state.value;
  if (state.phase === 'restoring') return <Splash failed={state.failed} />;
  if (state.phase === 'signed_out' || !session.value) return <AuthScreen />;
  return (
    <SessionContext.Provider value={session.value} key={session.value.user_id}>
      <Shell user={state.phase === 'signed_in' ? state.user : null} />
    </SessionContext.Provider>
  );
}
