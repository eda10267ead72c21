import type { Message, Page } from '../protocol.ts';
import type { Requests } from '../requests.ts';

export class MentionsApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** The messages that mention the user, the newest first. */
  list(cursor?: string): Promise<Page<Message>> {
    return this.#requests.get('mentions', { cursor });
  }
}
