import { type NewRoomInvite, RoomInvitesApi } from '../wire/api/room_invites';
import { Invites } from '../wire/invites';
import type { Requests } from '../wire/requests';
import type { RoomInvite } from '../wire/room_invites';

export type RoomInvites = Invites<RoomInvite, NewRoomInvite>;

/** The invites to one room. `page` is the address of this page without its hash. */
export function invitesTo(requests: Requests, room_id: string, page: string): RoomInvites {
  return new Invites(new RoomInvitesApi(requests, room_id), page);
}
