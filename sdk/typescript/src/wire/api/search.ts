import type { Message, Page } from '../protocol.ts';
import type { Requests } from '../requests.ts';

export interface FoundPage extends Page<Message> {
  /** What was looked for, to be marked in the messages; a `*` at the end marks the beginning of a word. */
  terms: string[];
}

/** Finds messages. */
export class SearchApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** The messages that fit a query, the newest first: those of one room, or of all. A page may be empty and not the last. */
  find(q: string, room_id: string | null, cursor?: string): Promise<FoundPage> {
    return this.#requests.get('search', { q, room_id: room_id ?? undefined, cursor });
  }
}
