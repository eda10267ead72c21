import type { Tokens } from './protocol.ts';

/** Keeps the tokens of one user, and knows when they have to be renewed. */
export interface TokenKeeper {
  /** Whether the refresh token is in a cookie. */
  readonly byCookie: boolean;
  readonly access: string | null;
  /** The newest access token of this sign-in, also when it has expired. */
  readonly latest: string | null;
  /** Null where the refresh token is in a cookie, or where there is none. */
  readonly refresh: string | null;
  /** The number of this sign-in among those that were seen. */
  readonly signIn: number;
  readonly canRenew: boolean;
  readonly isStale: boolean;
  /** Takes the tokens of a new sign-in. They are kept when the promise is fulfilled. */
  signedIn(tokens: Tokens): void | Promise<void>;
  /** Takes the tokens that a refresh gave. They are kept when the promise is fulfilled, and not used before. */
  renewed(tokens: Tokens): void | Promise<void>;
  /** Runs `task` while nobody else renews. */
  alone<T>(task: () => Promise<T>): Promise<T>;
  /** The server refused the access token, so it is stale now. */
  distrust(): void;
  /** The cookie now belongs to another session, perhaps of another user. */
  replaced(): void;
}

/**
 * Whether two access tokens are of one session. All tabs of a browser share the cookie, so a tab may get a token
 * of another user.
 */
export function isOfSameSession(one: string, other: string): boolean {
  return sessionOf(one) === sessionOf(other);
}

function sessionOf(token: string): unknown {
  try {
    const claims = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    return (JSON.parse(atob(claims)) as { sid?: unknown }).sid;
  } catch {
    return undefined;
  }
}
