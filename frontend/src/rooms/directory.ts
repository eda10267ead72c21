import { signal } from '@preact/signals';
import type { RoomsApi } from '../wire/api/rooms';
import { problemText } from '../wire/problem';
import type { Room } from '../wire/protocol';

/** The public rooms of the server, page by page. */
export class Directory {
  readonly rooms = signal<readonly Room[]>([]);
  readonly state = signal<'idle' | 'loading' | 'loaded' | 'failed'>('idle');
  readonly error = signal('');
  readonly hasMore = signal(false);
  readonly #api: RoomsApi;
  #cursor: string | undefined;
  #asked = 0;

  constructor(api: RoomsApi) {
    this.#api = api;
  }

  load(): Promise<void> {
    this.#cursor = undefined;
    return this.#page([]);
  }

  async more(): Promise<void> {
    if (this.state.peek() !== 'loading') await this.#page(this.rooms.peek());
  }

  /** A page that was on its way when the list was asked for anew is dropped. */
  async #page(before: readonly Room[]): Promise<void> {
    const asked = ++this.#asked;
    this.state.value = 'loading';
    try {
      const page = await this.#api.list('public', this.#cursor);
      if (asked !== this.#asked) return;
      this.rooms.value = [...before, ...page.items];
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
