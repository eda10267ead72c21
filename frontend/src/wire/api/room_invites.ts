import type { Page, Role } from '../protocol';
import type { Requests } from '../requests';
import type { MadeRoomInvite, RoomInvite } from '../room_invites';
import { roomPath } from './rooms';

export interface NewRoomInvite {
  max_uses: number;
  /** Seconds. */
  expires_in: number;
  role: Role;
}

/** Invites to a room, for who may invite there. */
export class RoomInvitesApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  make(room_id: string, invite: NewRoomInvite): Promise<MadeRoomInvite> {
    return this.#requests.send('POST', `${roomPath(room_id)}/invites`, { body: invite });
  }

  /** The newest first. */
  list(room_id: string, cursor?: string): Promise<Page<RoomInvite>> {
    return this.#requests.get(`${roomPath(room_id)}/invites`, { cursor, limit: 100 });
  }

  end(room_id: string, id: string): Promise<void> {
    const path = `${roomPath(room_id)}/invites/${encodeURIComponent(id)}`;
    return this.#requests.send('DELETE', path);
  }
}
