import { type Signal, signal } from '@preact/signals';

/** The user of an entry, as the entry tells it. */
export interface Author {
  user_id: string;
  username: string;
}

/**
 * The display names of users. Entries do not have them, so they come from lists of members and from
 * the user's own account.
 */
export class Names {
  readonly #byUser = new Map<string, Signal<string>>();

  /** The display name, or the username where no display name is known. */
  of({ user_id, username }: Author): string {
    return this.#signal(user_id).value || username;
  }

  learn(user_id: string, display_name: string): void {
    this.#signal(user_id).value = display_name;
  }

  #signal(user_id: string): Signal<string> {
    const known = this.#byUser.get(user_id);
    if (known) return known;
    const fresh = signal('');
    this.#byUser.set(user_id, fresh);
    return fresh;
  }
}
