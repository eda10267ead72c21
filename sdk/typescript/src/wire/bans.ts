import type { PublicUser } from './protocol.ts';

/** A user who may not come back to a room. */
export interface Ban {
  user: PublicUser;
  /** The id of who banned them. */
  by: string | null;
  reason: string | null;
  at: string;
}
