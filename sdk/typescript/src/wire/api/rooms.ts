import type { Notify, Page, Place, Position, Room, RoomSettings, Visibility } from '../protocol.ts';
import type { Requests } from '../requests.ts';

export class RoomsApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** With `named`, the public rooms whose names contain this text. */
  list(scope: 'mine' | 'public', cursor?: string, named?: string): Promise<Page<Room>> {
    return this.#requests.get('rooms', { scope, cursor, limit: 100, q: named });
  }

  /** Those of these rooms that the user is a member of. At most 100 may be asked for. */
  async among(ids: readonly string[]): Promise<Room[]> {
    return (await this.#requests.get<Page<Room>>('rooms', { ids: ids.join(',') })).items;
  }

  get(id: string): Promise<Room> {
    return this.#requests.get(roomPath(id));
  }

  create(name: string, visibility: Visibility, topic: string): Promise<Room> {
    const body = { name, visibility, ...(topic && { topic }) };
    return this.#requests.send('POST', 'rooms', { body });
  }

  /** Changes what is given of the settings. */
  change(id: string, settings: Partial<RoomSettings>): Promise<Room> {
    return this.#requests.send('PATCH', roomPath(id), { body: settings });
  }

  delete(id: string): Promise<void> {
    return this.#requests.send('DELETE', roomPath(id));
  }

  join(id: string): Promise<Room> {
    return this.#requests.send('POST', `${roomPath(id)}/join`);
  }

  leave(id: string): Promise<void> {
    return this.#requests.send('POST', `${roomPath(id)}/leave`);
  }

  /** The direct room of the user and these others, of whom there may be up to nine. Where there is none, it is made. */
  direct(user_ids: readonly string[]): Promise<Room> {
    const [first = '', ...others] = user_ids;
    if (others.length === 0)
      return this.#requests.send('PUT', `direct/${encodeURIComponent(first)}`);
    return this.#requests.send('POST', 'direct', { body: { user_ids } });
  }

  /** Puts the room elsewhere in the user's list. */
  setPlace(id: string, place: Place): Promise<void> {
    return this.#requests.send('PUT', `${roomPath(id)}/place`, { body: place });
  }

  /** Uses an invite: the user becomes a member of its room. */
  accept(code: string): Promise<Room> {
    return this.#requests.send('POST', `invites/${encodeURIComponent(code)}/accept`);
  }

  /** Says of which messages of the room the user wants to hear. */
  setNotify(id: string, notify: Notify): Promise<void> {
    return this.#requests.send('PUT', `${roomPath(id)}/notifications`, { body: notify });
  }

  /** Fails with the code `reset` where the room has another epoch by now. */
  markRead(id: string, { epoch, seq, back }: Position & { back?: true }): Promise<void> {
    const body = { epoch, seq, ...(back && { back }) };
    return this.#requests.send('PUT', `${roomPath(id)}/read`, { body, keepalive: true });
  }
}

export function roomPath(id: string): string {
  return `rooms/${encodeURIComponent(id)}`;
}
