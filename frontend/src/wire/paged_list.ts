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
  #page: Promise<void> = Promise.resolve();

  constructor(read: (cursor: string | undefined) => Promise<Page<T>>) {
    this.#read = read;
  }

  /** Loads the first page. What was loaded is shown until then. */
  load(): Promise<void> {
    this.#cursor = undefined;
    this.#page = this.#next();
    return this.#page;
  }

  /** Loads the page after what is there, or after what is on its way. */
  async more(): Promise<void> {
    const loading = this.#page;
    await loading;
    // Another call may have begun the next page meanwhile, or the list anew.
    if (loading !== this.#page) return this.#page;
    if (!this.hasMore.peek()) return;
    this.#page = this.#next();
    await this.#page;
  }

  /** A page that was on its way when the list was asked for anew is dropped. */
  async #next(): Promise<void> {
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
