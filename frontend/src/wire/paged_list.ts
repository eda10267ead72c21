import { signal } from '@preact/signals';
import { problemText } from './problem';
import type { Page } from './protocol';

/** A list that is read from the server page by page. */
export class PagedList<T> {
  readonly items = signal<readonly T[]>([]);
  readonly state = signal<'idle' | 'loading' | 'loaded' | 'failed'>('idle');
  readonly error = signal('');
  readonly hasMore = signal(false);
  readonly #read: (cursor: string | undefined) => Promise<Page<T>>;
  #cursor: string | undefined;
  #asked = 0;

  constructor(read: (cursor: string | undefined) => Promise<Page<T>>) {
    this.#read = read;
  }

  /** Loads the first page. What was loaded is shown until then. */
  load(): Promise<void> {
    this.#cursor = undefined;
    return this.#page();
  }

  async more(): Promise<void> {
    if (this.state.peek() !== 'loading') await this.#page();
  }

  /** A page that was on its way when the list was asked for anew is dropped. */
  async #page(): Promise<void> {
    const asked = ++this.#asked;
    const before = this.#cursor === undefined ? [] : this.items.peek();
    this.state.value = 'loading';
    try {
      const page = await this.#read(this.#cursor);
      if (asked !== this.#asked) return;
      this.items.value = [...before, ...page.items];
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
