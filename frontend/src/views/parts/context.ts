import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { App } from '../../app';
import type { Session } from '../../session';

export const AppContext = createContext<App | null>(null);
export const SessionContext = createContext<Session | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error('no app around this view');
  return app;
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('no session around this view');
  return session;
}
