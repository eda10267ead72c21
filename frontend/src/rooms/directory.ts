import type { Clock } from '../browser/clock';
import type { RoomsApi } from '../wire/api/rooms';
import type { Room } from '../wire/protocol';
import { PagedList } from './paged_list';

// A fast user types letters faster than the server should be asked, so the search waits for a pause.
const PAUSE_MILLISECONDS = 250;

/** The public rooms of the server, page by page: all, or those whose names contain a text. */
export class Directory extends PagedList<Room> {
  readonly #clock: Clock;
  #wanted = '';
  #cancel: () => void = () => {};

  constructor(api: RoomsApi, clock: Clock) {
    super((cursor) => api.list('public', cursor, this.#wanted || undefined));
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
}
