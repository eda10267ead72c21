import { signal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import type { UsersApi } from 'tailwire-client/wire/api/users';
import { Problem } from 'tailwire-client/wire/problem';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import { codePoints } from '../browser/text';

// The server refuses shorter searches.
const FEWEST_CHARACTERS = 2;
// The server allows fewer searches a minute than a fast user types letters, so the search waits for
// a pause.
const PAUSE_MILLISECONDS = 300;

// A server with many accounts looks at some of them for a page, which may be empty and have a next one.
const MOST_PAGES = 4;

/** Suggests users while somebody types a part of a name. */
export class People {
  readonly found = signal<readonly PublicUser[]>([]);
  readonly #users: UsersApi;
  readonly #clock: Clock;
  #wanted = '';
  /** `found` holds all users with this in their names; null when nothing is known. */
  #known: string | null = null;
  #cancel: () => void = () => {};

  constructor(users: UsersApi, clock: Clock) {
    this.#users = users;
    this.#clock = clock;
  }

  look(text: string): void {
    const wanted = text.normalize('NFKC').toLowerCase();
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    this.#cancel();
    if (this.#known !== null && wanted.startsWith(this.#known)) return;
    this.#known = null;
    this.found.value = [];
    if (codePoints(wanted) < FEWEST_CHARACTERS) return;
    this.#cancel = this.#clock.after(PAUSE_MILLISECONDS, () => void this.#search(wanted));
  }

  async #search(wanted: string): Promise<void> {
    try {
      let cursor: string | undefined;
      for (let pages = 0; pages < MOST_PAGES; pages++) {
        const page = await this.#users.find(wanted, cursor);
        if (wanted !== this.#wanted) return;
        this.found.value = page.items;
        if (page.next_cursor === null) this.#known = wanted;
        if (page.items.length > 0 || page.next_cursor === null) return;
        cursor = page.next_cursor;
      }
    } catch {
      // Suggestions are optional, so a failure is not shown.
    }
  }
}

/** The user with this username. Fails with a Problem, at the field `username` when no user has it. */
export async function userNamed(users: UsersApi, username: string): Promise<PublicUser> {
  const wanted = username.normalize('NFKC').toLowerCase();
  const found = codePoints(wanted) < FEWEST_CHARACTERS ? [] : (await users.find(wanted)).items;
  const user = found.find((one) => one.username.toLowerCase() === wanted);
  if (user) return user;
  const message = 'Nobody here has this username.';
  throw new Problem({ status: 404, code: 'not_found', errors: [{ loc: 'username', message }] });
}
