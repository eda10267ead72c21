import { signal } from '@preact/signals';
import type { Clock } from '../browser/clock';
import { codePoints } from '../browser/text';
import type { UsersApi } from '../wire/api/users';
import type { PublicUser } from '../wire/protocol';

// The server refuses shorter searches.
const FEWEST_CHARACTERS = 2;
// The server allows fewer searches a minute than a fast user types letters, so the search waits for
// a pause.
const PAUSE_MILLISECONDS = 300;

/** Suggests users while somebody types the beginning of a username. */
export class People {
  readonly found = signal<readonly PublicUser[]>([]);
  readonly #users: UsersApi;
  readonly #clock: Clock;
  #wanted = '';
  /** `found` holds all users whose names begin with this; null when nothing is known. */
  #known: string | null = null;
  #cancel: () => void = () => {};

  constructor(users: UsersApi, clock: Clock) {
    this.#users = users;
    this.#clock = clock;
  }

  look(text: string): void {
    const prefix = text.normalize('NFKC').toLowerCase();
    if (prefix === this.#wanted) return;
    this.#wanted = prefix;
    this.#cancel();
    if (this.#known !== null && prefix.startsWith(this.#known)) return;
    this.#known = null;
    this.found.value = [];
    if (codePoints(prefix) < FEWEST_CHARACTERS) return;
    this.#cancel = this.#clock.after(PAUSE_MILLISECONDS, () => void this.#search(prefix));
  }

  async #search(prefix: string): Promise<void> {
    try {
      const page = await this.#users.find(prefix);
      if (prefix !== this.#wanted) return;
      this.found.value = page.items;
      if (page.next_cursor === null) this.#known = prefix;
    } catch {
      // Suggestions are optional, so a failure is not shown.
    }
  }
}
