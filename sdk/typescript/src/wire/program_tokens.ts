/** The tokens of programs (docs/protocol.md). No state, no I/O. */

/** What a token lets a program do. */
export type Scope = 'read' | 'write' | 'manage';

/** What is asked of a token that is to be made. */
export interface TokenTerms {
  name: string;
  scopes: readonly Scope[];
  /** The rooms to which it is bound. Without them it is for all. */
  room_ids?: readonly string[];
  /** In seconds. Without it, the token does not expire. */
  expires_in?: number;
}

/** A token of a program. */
export interface Token {
  token_id: string;
  name: string;
  scopes: readonly Scope[];
  room_ids: readonly string[] | null;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
}

/** A token that was just made. Its secret is not shown again. */
export interface MadeToken extends Token {
  token: string;
}
