import { signal } from '@preact/signals';
import { problemText } from 'tailwire-client/wire/problem';
import type { Page } from 'tailwire-client/wire/protocol';

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
  /** What was changed here since the page that is on its way was asked for. */
  #changes: ((items: readonly T[]) => readonly T[])[] = [];

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

  /** Changes the list as the server has done it. A page that is on its way does not undo it. */
  change(change: (items: readonly T[]) => readonly T[]): void {
    this.items.value = change(this.items.peek());
    this.#changes.push(change);
  }

  /** A page that was on its way when the list was asked for anew is dropped. */
  async #next(): Promise<void> {
    const asked = ++this.#asked;
    this.#changes = [];
    // What was changed meanwhile is changed in both.
    const before = this.#cursor === undefined ? [] : this.items.peek();
    this.state.value = 'loading';
    try {
      let page = await this.#read(this.#cursor);
      // A search looks at so many for a page, and may find nothing among them.
      while (page.items.length === 0 && page.next_cursor !== null && asked === this.#asked)
        page = await this.#read(page.next_cursor);
      if (asked !== this.#asked) return;
      const items = [...before, ...page.items];
      this.items.value = this.#changes.reduce(
        (list, change) => change(list),
        items as readonly T[],
      );
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
