/** The tokens of programs (docs/protocol.md). No state, no I/O. */
import type * as http from './generated/http.ts';

/** What a token lets a program do. */
export type Scope = http.Scope;

/** What is asked of a token that is to be made. Without rooms it is for all, and without a time it does not expire. */
export type TokenTerms = Omit<http.NewToken, 'room_ids' | 'expires_in'> & {
  room_ids?: readonly string[];
  /** In seconds. */
  expires_in?: number;
};

/** A token of a program. */
export type Token = Omit<http.TokenOut, 'scopes' | 'room_ids'> & {
  scopes: readonly Scope[];
  room_ids: readonly string[] | null;
};

/** A token that was just made. Its secret is not shown again. */
export type MadeToken = Token & Pick<http.MadeTokenOut, 'token'>;
