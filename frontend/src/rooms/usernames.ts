import { type Signal, signal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import type { UsersApi } from 'tailwire-client/wire/api/users';
import { Problem } from 'tailwire-client/wire/problem';
import type { Members } from './members';
import type { Author, Names } from './names';

// A room that is opened loads its members, and most of them are in that list.
const PAUSE_MILLISECONDS = 100;

interface UsernamesOptions {
  clock: Clock;
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
  /** Those who are asked for next, the last of them first: what was drawn last is looked at now. */
  readonly #waiting: (() => Promise<void>)[] = [];
  #isAsking = false;

  constructor(options: UsernamesOptions) {
    this.#options = options;
  }

  /** Who has this id; null while it is not known. Whoever reads this while rendering is drawn again when it is. */
  of(room_id: string, user_id: string): Author | null {
    const member = this.#listed(room_id, user_id);
    if (member) return member;
    if (!this.#asked.has(user_id) && !this.#isLoading(room_id)) this.#ask(room_id, user_id);
    return this.#asked.get(user_id)?.value ?? null;
  }

  #listed(room_id: string, user_id: string): Author | undefined {
    return this.#options.members.of(room_id)?.members.find((one) => one.user_id === user_id);
  }

  #isLoading(room_id: string): boolean {
    return this.#options.members.of(room_id)?.state === 'loading';
  }

  #ask(room_id: string, user_id: string): void {
    const { names, users } = this.#options;
    const found = signal<Author | null>(null);
    this.#asked.set(user_id, found);
    this.#waiting.push(async () => {
      if (this.#isLoading(room_id) || this.#listed(room_id, user_id)) {
        this.#asked.delete(user_id);
        return;
      }
      const asked = names.ask();
      try {
        const { username, display_name, avatar } = await users.get(user_id);
        names.answered(user_id, display_name, asked, avatar);
        found.value = { user_id, username };
      } catch (error) {
        // Who has erased their account is not asked for again.
        if (!(error instanceof Problem) || error.temporary) this.#asked.delete(user_id);
      }
    });
    if (!this.#isAsking) void this.#askAll();
  }

  async #askAll(): Promise<void> {
    const { clock } = this.#options;
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      await new Promise<void>((resolve) => clock.after(PAUSE_MILLISECONDS, resolve));
      await this.#waiting.pop()?.();
    }
    this.#isAsking = false;
  }
}
