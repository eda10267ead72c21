import type { Member, Page, Role } from '../protocol.ts';
import type { Requests } from '../requests.ts';
import { roomPath } from './rooms.ts';

export class MembersApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** With `named`, those whose usernames or display names contain this text. */
  list(room_id: string, cursor?: string, named?: string): Promise<Page<Member>> {
    return this.#requests.get(`${roomPath(room_id)}/members`, { cursor, limit: 100, q: named });
  }

  /** Gives a user a role, or adds them with it. */
  setRole(room_id: string, user_id: string, role: Role): Promise<Member> {
    return this.#requests.send('PUT', memberPath(room_id, user_id), { body: { role } });
  }

  remove(room_id: string, user_id: string): Promise<void> {
    return this.#requests.send('DELETE', memberPath(room_id, user_id));
  }
}

function memberPath(room_id: string, user_id: string): string {
  return `${roomPath(room_id)}/members/${encodeURIComponent(user_id)}`;
}
