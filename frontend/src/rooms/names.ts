import { type Signal, signal } from '@preact/signals';
import type { ShownAs } from 'tailwire-client/wire/shown_as';
import { Freshness } from '../browser/freshness';

/** The user of an entry, as the entry tells it. */
export interface Author {
  user_id: string;
  username: string;
  /** How the message of a hook asks to be shown. */
  shown_as?: ShownAs | null;
}

/**
 * The display names of users, and the ids of their pictures. Messages do not have them, so they come
 * from lists of members, from the entries of who joins, from events about users who change them, and
 * from the user's own account.
 */
export class Names {
  readonly #known = new Map<string, Signal<string | undefined>>();
  readonly #freshness = new Freshness();

  /** The name that a message asks for, or the display name, or the username where no display name is known. */
  of({ user_id, username, shown_as }: Author): string {
    const name = this.#signal(user_id).value || username;
    return shown_as && typeof shown_as.name === 'string' ? shown_as.name : name;
  }

  isKnown(user_id: string): boolean {
    return !!this.#signal(user_id).value;
  }

  /** The id of the user's picture; empty where there is none, undefined where that is not known. */
  avatarOf(user_id: string): string | undefined {
    return this.#signal(`${user_id} `).value;
  }

  /** Call it when a list of users is asked for, and keep the moment that it returns for `answered`. */
  ask(): number {
    return this.#freshness.ask();
  }

  /** The user has this name and picture now. Older servers tell of no pictures. */
  learn(user_id: string, display_name: string, avatar?: string | null): void {
    this.#freshness.learned(user_id);
    this.#note(user_id, display_name, avatar);
  }

  /** An entry shows the name that the user had then. It counts where no other is known. */
  suggest(user_id: string, display_name: string): void {
    const name = this.#signal(user_id);
    if (!name.peek()) name.value = display_name;
  }

  /** A list that was asked for at the moment `asked` says so. What was learned since stands. */
  answered(user_id: string, display_name: string, asked: number, avatar?: string | null): void {
    if (!this.#freshness.isOutdated(user_id, asked)) this.#note(user_id, display_name, avatar);
  }

  #note(user_id: string, display_name: string, avatar?: string | null): void {
    this.#signal(user_id).value = display_name;
    if (avatar !== undefined) this.#signal(`${user_id} `).value = avatar ?? '';
  }

  #signal(key: string): Signal<string | undefined> {
    const known = this.#known.get(key);
    if (known) return known;
    const fresh = signal<string>();
    this.#known.set(key, fresh);
    return fresh;
  }
}
