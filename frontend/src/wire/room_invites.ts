/** The shapes of invites to rooms in docs/protocol.md. */
import type { PublicUser, Role } from './protocol';

/** An invite to a room. */
export interface RoomInvite {
  invite_id: string;
  /** What newcomers become. */
  role: Role;
  created_at: string;
  expires_at: string | null;
  max_uses: number;
  uses_left: number;
}

/** An invite to a room that was just made. Its code and its link are not shown again. */
export interface MadeRoomInvite extends RoomInvite {
  code: string;
  url: string;
}

/** What anybody who has an invite may know of where it leads. */
export interface Invitation {
  /** The name of the room; null where the invite is one to the server. */
  room_name: string | null;
  member_count: number | null;
  invited_by: PublicUser | null;
}
