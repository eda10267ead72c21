/** The shapes of incoming hooks in docs/protocol.md. */

/** An address at which programs post into a room. */
export interface Hook {
  hook_id: string;
  /** The bot as which it writes. */
  user_id: string;
  name: string;
  /** The user who made it. */
  made_by: string;
  created_at: string;
  /** When it last posted, to the minute; null before. */
  last_used_at: string | null;
}

/** A hook that was just made. Its address is not shown again. */
export interface MadeHook extends Hook {
  url: string;
}
