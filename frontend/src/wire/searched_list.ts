import type { Clock } from 'tailwire-client/clock';
import type { Page } from 'tailwire-client/wire/protocol';
import { PagedList } from './paged_list';

// A fast user types letters faster than the server should be asked, so the search waits for a pause.
const PAUSE_MILLISECONDS = 250;

/** A list that is read page by page, and that the server searches while somebody types. */
export class SearchedList<T> extends PagedList<T> {
  readonly #clock: Clock;
  #wanted = '';
  #cancel: () => void = () => {};

  /** `read` is given what is looked for: a part of a name, or an empty text for all. */
  constructor(
    read: (wanted: string, cursor: string | undefined) => Promise<Page<T>>,
    clock: Clock,
  ) {
    super((cursor) => read(this.#wanted, cursor));
    this.#clock = clock;
  }

  /** What is looked for: a part of a name, or an empty text for all. */
  get wanted(): string {
    return this.#wanted;
  }

  /** Looks for a text. The list is loaded after a pause, or at once. */
  look(text: string, atOnce = false): void {
    const wanted = text.trim();
    if (wanted === this.#wanted && !atOnce) return;
    this.#wanted = wanted;
    this.#cancel();
    const milliseconds = atOnce ? 0 : PAUSE_MILLISECONDS;
    this.#cancel = this.#clock.after(milliseconds, () => void this.load());
  }
}
