import { type Signal, signal } from '@preact/signals';
import { Freshness } from '../browser/freshness';

/** The user of an entry, as the entry tells it. */
export interface Author {
  user_id: string;
  username: string;
}

/**
 * The display names of users. Messages do not have them, so they come from lists of members, from
 * the entries of who joins, from events about users who rename themselves, and from the user's own
 * account.
 */
export class Names {
  readonly #byUser = new Map<string, Signal<string>>();
  readonly #freshness = new Freshness();

  /** The display name, or the username where no display name is known. */
  of({ user_id, username }: Author): string {
    return this.#signal(user_id).value || username;
  }

  /** Call it when a list of users is asked for, and keep the moment that it returns for `answered`. */
  ask(): number {
    return this.#freshness.ask();
  }

  /** The user has this name now. */
  learn(user_id: string, display_name: string): void {
    this.#freshness.learned(user_id);
    this.#signal(user_id).value = display_name;
  }

  /** An entry shows the name that the user had then. It counts where no other is known. */
  suggest(user_id: string, display_name: string): void {
    const name = this.#signal(user_id);
    if (!name.peek()) name.value = display_name;
  }

  /** A list that was asked for at the moment `asked` says so. What was learned since stands. */
  answered(user_id: string, display_name: string, asked: number): void {
    if (!this.#freshness.isOutdated(user_id, asked)) this.#signal(user_id).value = display_name;
  }

  #signal(user_id: string): Signal<string> {
    const known = this.#byUser.get(user_id);
    if (known) return known;
    const fresh = signal('');
    this.#byUser.set(user_id, fresh);
    return fresh;
  }
}
