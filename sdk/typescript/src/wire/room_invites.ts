/** The shapes of invites to rooms in docs/protocol.md. */
import type { InviteTerms, PublicUser, Role } from './protocol.ts';

/** An invite to a room. */
export interface RoomInvite extends InviteTerms {
  /** What newcomers become. */
  role: Role;
}

/** What anybody who has an invite may know of where it leads. */
export interface Invitation {
  /** The name of the room; null where the invite is one to the server. */
  room_name: string | null;
  member_count: number | null;
  invited_by: PublicUser | null;
}
