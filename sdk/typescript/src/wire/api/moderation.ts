import type { Ban } from '../bans.ts';
import type { Page, Position } from '../protocol.ts';
import type { Requests } from '../requests.ts';
import { roomPath } from './rooms.ts';

/** How many messages of a user were deleted now, and whether there are more. */
export interface Deleted {
  deleted: number;
  has_more: boolean;
}

/** What keeps the peace in a room. */
export class ModerationApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  bans(room_id: string, cursor?: string): Promise<Page<Ban>> {
    return this.#requests.get(`${roomPath(room_id)}/bans`, { cursor, limit: 100 });
  }

  ban(room_id: string, user_id: string, reason: string): Promise<void> {
    const body = { ...(reason && { reason }) };
    return this.#requests.send('PUT', banPath(room_id, user_id), { body });
  }

  unban(room_id: string, user_id: string): Promise<void> {
    return this.#requests.send('DELETE', banPath(room_id, user_id));
  }

  /** Tells the administrators of a message. Fails with the code `reset` where the room has another epoch by now. */
  report(room_id: string, { epoch, seq }: Position, reason: string): Promise<void> {
    const body = { epoch, reason };
    return this.#requests.send('POST', `${roomPath(room_id)}/messages/${seq}/report`, { body });
  }

  /** Deletes the messages of a user: those since a moment, or all. So many at a time as the server does. */
  deleteMessages(room_id: string, user_id: string, since: string | null): Promise<Deleted> {
    const path = `${roomPath(room_id)}/members/${encodeURIComponent(user_id)}/messages`;
    return this.#requests.send('DELETE', path, { query: { since: since ?? undefined } });
  }
}

function banPath(room_id: string, user_id: string): string {
  return `${roomPath(room_id)}/bans/${encodeURIComponent(user_id)}`;
}
