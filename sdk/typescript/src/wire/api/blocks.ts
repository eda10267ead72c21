import type { Page, PublicUser } from '../protocol.ts';
import type { Requests } from '../requests.ts';

/** The users whom the user does not want to hear. */
export class BlocksApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  list(cursor?: string): Promise<Page<PublicUser>> {
    return this.#requests.get('users/me/blocks', { cursor, limit: 100 });
  }

  /** Blocks a user, or ends that. */
  set(id: string, isBlocked: boolean): Promise<void> {
    const path = `users/me/blocks/${encodeURIComponent(id)}`;
    return this.#requests.send(isBlocked ? 'PUT' : 'DELETE', path);
  }
}
