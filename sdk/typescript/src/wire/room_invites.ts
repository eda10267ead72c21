import type { PreviewOut } from './generated/http.ts';
import type { InviteTerms, PublicUser, Role } from './protocol.ts';

/** An invite to a room. */
export type RoomInvite = InviteTerms & {
  /** What newcomers become. */
  role: Role;
};

/** What anybody who has an invite may know of where it leads. One to the server has no room. */
export type Invitation = Omit<PreviewOut, 'invited_by'> & { invited_by: PublicUser | null };
