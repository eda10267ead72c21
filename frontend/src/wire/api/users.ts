import type { Page, Profile, PublicUser } from '../protocol';
import type { Requests } from '../requests';

export class UsersApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  get(id: string): Promise<Profile> {
    return this.#requests.get(`users/${encodeURIComponent(id)}`);
  }

  /** Users whose username begins with `prefix`, sorted by username: an exact match is first. */
  find(prefix: string): Promise<Page<PublicUser>> {
    return this.#requests.get('users', { q: prefix });
  }
}
