import type { Made, Page, Role } from '../protocol.ts';
import type { Requests } from '../requests.ts';
import type { RoomInvite } from '../room_invites.ts';
import { roomPath } from './rooms.ts';

export interface NewRoomInvite {
  max_uses: number;
  /** Seconds. */
  expires_in: number;
  role: Role;
}

/** Invites to one room, for who may invite there. */
export class RoomInvitesApi {
  readonly #requests: Requests;
  readonly #path: string;

  constructor(requests: Requests, room_id: string) {
    this.#requests = requests;
    this.#path = `${roomPath(room_id)}/invites`;
  }

  make(invite: NewRoomInvite): Promise<Made<RoomInvite>> {
    return this.#requests.send('POST', this.#path, { body: invite });
  }

  /** The newest first. */
  list(cursor?: string): Promise<Page<RoomInvite>> {
    return this.#requests.get(this.#path, { cursor, limit: 100 });
  }

  end(id: string): Promise<void> {
    return this.#requests.send('DELETE', `${this.#path}/${encodeURIComponent(id)}`);
  }
}
