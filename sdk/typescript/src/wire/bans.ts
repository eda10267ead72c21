import type { BanOut } from './generated/http.ts';
import type { PublicUser } from './protocol.ts';

/** A user who may not come back to a room. */
export type Ban = Omit<BanOut, 'user' | 'by'> & {
  user: PublicUser;
  /** The id of who banned them. */
  by: string | null;
};
