import { signal } from '@preact/signals';
import type { MentionsApi } from '../wire/api/mentions';
import { problemText } from '../wire/problem';
import type { Message } from '../wire/protocol';

/** The messages that mention the user, page by page, the newest first. */
export class MentionsList {
  readonly items = signal<readonly Message[]>([]);
  readonly state = signal<'idle' | 'loading' | 'loaded' | 'failed'>('idle');
  readonly error = signal('');
  readonly hasMore = signal(false);
  readonly #api: MentionsApi;
  #cursor: string | undefined;
  #asked = 0;

  constructor(api: MentionsApi) {
    this.#api = api;
  }

  /** Loads the newest. Those that were loaded are shown until then. */
  load(): Promise<void> {
    return this.#page(undefined);
  }

  async more(): Promise<void> {
    if (this.state.peek() !== 'loading') await this.#page(this.#cursor);
  }

  /** A page that was on its way when the list was asked for anew is dropped. */
  async #page(cursor: string | undefined): Promise<void> {
    const asked = ++this.#asked;
    this.state.value = 'loading';
    try {
      const page = await this.#api.list(cursor);
      if (asked !== this.#asked) return;
      this.items.value = cursor ? [...this.items.peek(), ...page.items] : page.items;
      this.#cursor = page.next_cursor ?? undefined;
      this.hasMore.value = page.next_cursor !== null;
      this.state.value = 'loaded';
    } catch (error) {
      if (asked !== this.#asked) return;
      this.error.value = problemText(error);
      this.state.value = 'failed';
    }
  }
}
