import { type Signal, signal } from '@preact/signals';

/** Whose something is, as every entry says it. */
export interface Author {
  user_id: string;
  username: string;
}

/** What users call themselves. Entries do not say it: it is learned from members and from one's own account. */
export class Names {
  readonly #byUser = new Map<string, Signal<string>>();

  /** The name to show, which is the username until another one is known. */
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
