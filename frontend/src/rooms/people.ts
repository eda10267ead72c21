import { signal } from '@preact/signals';
import type { Clock } from '../browser/clock';
import { codePoints } from '../browser/text';
import type { UsersApi } from '../wire/api/users';
import type { PublicUser } from '../wire/protocol';

// As the server has it.
const FEWEST_CHARACTERS = 2;
// Long enough for the next letter: the server answers half as many searches a minute as a fast hand types letters.
const PAUSE_MILLISECONDS = 300;

/** Suggests users while somebody types the beginning of a username. */
export class People {
  readonly found = signal<readonly PublicUser[]>([]);
  readonly #users: UsersApi;
  readonly #clock: Clock;
  #wanted = '';
  /** All users whose names begin so are among those that were found. */
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
      // They are suggestions: whoever knows the name goes on without.
    }
  }
}
