import type { Page, Room, Visibility } from '../protocol';
import type { Requests } from '../requests';

export class RoomsApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(scope: 'mine' | 'public', cursor?: string): Promise<Page<Room>> {
    return this.#requests.get('rooms', { scope, cursor, limit: 100 });
  }

  get(id: string): Promise<Room> {
    return this.#requests.get(roomPath(id));
  }

  create(name: string, visibility: Visibility, topic: string): Promise<Room> {
    const body = { name, visibility, ...(topic && { topic }) };
    return this.#requests.send('POST', 'rooms', { body });
  }

  join(id: string): Promise<Room> {
    return this.#requests.send('POST', `${roomPath(id)}/join`);
  }

  leave(id: string): Promise<void> {
    return this.#requests.send('POST', `${roomPath(id)}/leave`);
  }

  markRead(id: string, seq: number): Promise<void> {
    return this.#requests.send('PUT', `${roomPath(id)}/read`, { body: { seq }, keepalive: true });
  }
}

export function roomPath(id: string): string {
  return `rooms/${encodeURIComponent(id)}`;
}
