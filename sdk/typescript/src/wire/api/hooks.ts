import type { Hook, MadeHook } from '../hooks.ts';
import type { Page } from '../protocol.ts';
import type { Requests } from '../requests.ts';
import { roomPath } from './rooms.ts';

/** The incoming hooks of rooms. */
export class HooksApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  make(room_id: string, name: string): Promise<MadeHook> {
    return this.#requests.send('POST', `${roomPath(room_id)}/hooks`, { body: { name } });
  }

  /** The newest first. */
  list(room_id: string, cursor?: string): Promise<Page<Hook>> {
    return this.#requests.get(`${roomPath(room_id)}/hooks`, { cursor, limit: 100 });
  }

  end(room_id: string, id: string): Promise<void> {
    const path = `${roomPath(room_id)}/hooks/${encodeURIComponent(id)}`;
    return this.#requests.send('DELETE', path);
  }
}
