import type { Page, Profile, PublicUser } from '../protocol.ts';
import type { Requests } from '../requests.ts';

export class UsersApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  get(id: string): Promise<Profile> {
    return this.#requests.get(`users/${encodeURIComponent(id)}`);
  }

  /**
   * Users with a text in their names, first those whose username begins with it: an exact match is first. On a server
   * with many accounts a page may be short, or empty, and have a next one.
   */
  find(text: string, cursor?: string): Promise<Page<PublicUser>> {
    return this.#requests.get('users', { q: text, cursor });
  }
}
