import { type Signal, signal } from '@preact/signals';
import type { UsersApi } from '../wire/api/users';
import { Problem } from '../wire/problem';
import type { Members } from './members';
import type { Author, Names } from './names';

interface UsernamesOptions {
  users: Pick<UsersApi, 'get'>;
  members: Members;
  names: Names;
}

/**
 * The usernames of those whom messages mention by their ids. They come from the list of the room's members. Who is not
 * in it, because the room is large or they have left, is asked for, one at a time.
 */
export class Usernames {
  readonly #options: UsernamesOptions;
  readonly #asked = new Map<string, Signal<Author | null>>();
  #queue: Promise<void> = Promise.resolve();

  constructor(options: UsernamesOptions) {
    this.#options = options;
  }

  /** Who has this id; null while it is not known. Whoever reads this while rendering is drawn again when it is. */
  of(room_id: string, user_id: string): Author | null {
    const list = this.#options.members.of(room_id);
    const member = list?.members.find((one) => one.user_id === user_id);
    if (member) return member;
    const known = this.#asked.get(user_id);
    if (known) return known.value;
    if (list && list.state !== 'loading') this.#ask(user_id);
    return null;
  }

  #ask(user_id: string): void {
    const { names, users } = this.#options;
    const found = signal<Author | null>(null);
    this.#asked.set(user_id, found);
    this.#queue = this.#queue.then(async () => {
      const asked = names.ask();
      try {
        const { username, display_name } = await users.get(user_id);
        names.answered(user_id, display_name, asked);
        found.value = { user_id, username };
      } catch (error) {
        // Who has erased their account is not asked for again.
        if (!(error instanceof Problem) || error.temporary) this.#asked.delete(user_id);
      }
    });
  }
}
