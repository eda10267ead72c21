import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { AccountParts } from '../../account/wiring';
import type { AdminParts } from '../../admin/wiring';
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

/** The user's own data, within the dialog about the account. */
export function useAccount(): AccountParts {
  const account = useSession().account.loaded;
  if (!account) throw new Error('the account is not loaded');
  return account;
}

/** What only administrators need, within their screen. */
export function useAdmin(): AdminParts {
  const admin = useAccount().admin.loaded;
  if (!admin) throw new Error("the administrators' parts are not loaded");
  return admin;
}
