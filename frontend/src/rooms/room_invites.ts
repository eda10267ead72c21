import { type NewRoomInvite, RoomInvitesApi } from 'tailwire-client/wire/api/room_invites';
import type { Requests } from 'tailwire-client/wire/requests';
import type { RoomInvite } from 'tailwire-client/wire/room_invites';
import { Invites } from '../wire/invites';

export type RoomInvites = Invites<RoomInvite, NewRoomInvite>;

/** The invites to one room. `page` is the address of this page without its hash. */
export function invitesTo(requests: Requests, room_id: string, page: string): RoomInvites {
  return new Invites(new RoomInvitesApi(requests, room_id), page);
}
