import { signal } from '@preact/signals';
import type { Clock } from '../browser/clock';
import type { RoomsApi } from '../wire/api/rooms';
import { problemText } from '../wire/problem';
import type { Room } from '../wire/protocol';

// A fast user types letters faster than the server should be asked, so the search waits for a pause.
const PAUSE_MILLISECONDS = 250;

/** The public rooms of the server, page by page: all, or those whose names contain a text. */
export class Directory {
  readonly rooms = signal<readonly Room[]>([]);
  readonly state = signal<'idle' | 'loading' | 'loaded' | 'failed'>('idle');
  readonly error = signal('');
  readonly hasMore = signal(false);
  readonly #api: RoomsApi;
  #cursor: string | undefined;
  #asked = 0;
  readonly #clock: Clock;
  #wanted = '';
  #cancel: () => void = () => {};

  constructor(api: RoomsApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  /** What is looked for: a part of a name, or nothing for all rooms. */
  get wanted(): string {
    return this.#wanted;
  }

  /** Looks for rooms while somebody types. The list is loaded after a pause, or at once. */
  look(text: string, atOnce = false): void {
    const wanted = text.trim();
    if (wanted === this.#wanted && !atOnce) return;
    this.#wanted = wanted;
    this.#cancel();
    const milliseconds = atOnce ? 0 : PAUSE_MILLISECONDS;
    this.#cancel = this.#clock.after(milliseconds, () => void this.load());
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
      const page = await this.#api.list('public', this.#cursor, this.#wanted || undefined);
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
