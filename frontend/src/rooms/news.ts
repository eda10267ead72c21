import { batch, signal } from '@preact/signals';
import type { UsersApi } from 'tailwire-client/wire/api/users';
import type { MembershipEvent, Room } from 'tailwire-client/wire/protocol';
import type { Author, Names } from './names';
import type { Titles } from './titles';

/** What happened to the user's membership of a room, or to what they made there, by something other than this page. */
export interface NewsItem {
  room_id: string;
  /** The name of the room. */
  name: string;
  /** gone: the user is no longer a member, and this page was not told why. webhook: one is paused. */
  what: 'added' | 'removed' | 'banned' | 'deleted' | 'left' | 'gone' | 'webhook';
  /** The user who did it; null where it is not known. */
  by: Author | null;
  /** The webhook that is paused. */
  webhook_id: string | null;
}

/** Why a membership ends, as the server names it. */
const ENDS = ['removed', 'banned', 'deleted', 'left'] as const;

/** The news of the user's memberships, at most one for each room, until the user has seen it. */
export class News {
  readonly items = signal<readonly NewsItem[]>([]);
  /** Is told of what the user has seen. */
  onSeen: (item: NewsItem) => void = () => {};
  readonly #users: Pick<UsersApi, 'get'>;
  readonly #names: Names;
  readonly #titles: Titles;

  constructor(users: Pick<UsersApi, 'get'>, names: Names, titles: Titles) {
    this.#users = users;
    this.#names = names;
    this.#titles = titles;
  }

  of(room_id: string): NewsItem | undefined {
    return this.items.value.find((item) => item.room_id === room_id);
  }

  /** The user is a member now. `event` is what the server said, if it did. */
  added(room: Room, event?: MembershipEvent): void {
    void this.#tell(room, 'added', event);
  }

  /** The user is no longer a member. `event` is what the server said, if it did. */
  ended(room: Room, event?: MembershipEvent): void {
    const what = ENDS.find((one) => one === event?.reason) ?? 'gone';
    void this.#tell(room, what, event);
  }

  /** The server has paused a webhook of the user. */
  webhookPaused(room: Room, webhook_id: string): void {
    void this.#tell(room, 'webhook', undefined, webhook_id);
  }

  seen(room_id: string): void {
    const item = this.items.peek().find((one) => one.room_id === room_id);
    if (!item) return;
    this.items.value = this.items.peek().filter((one) => one !== item);
    this.onSeen(item);
  }

  /** Events have the id of who did it. The name is asked for, and the news is shown meanwhile. */
  async #tell(
    room: Room,
    what: NewsItem['what'],
    event?: MembershipEvent,
    webhook_id: string | null = null,
  ): Promise<void> {
    const name = this.#titles.of(room);
    const item: NewsItem = { room_id: room.id, name, what, by: null, webhook_id };
    const others = this.items.peek().filter(({ room_id }) => room_id !== room.id);
    this.items.value = [...others, item];
    if (!event?.by) return;
    const asked = this.#names.ask();
    const user = await this.#users.get(event.by).catch(() => null);
    if (!user) return;
    batch(() => {
      this.#names.answered(user.id, user.display_name, asked, user.avatar);
      const by = { user_id: user.id, username: user.username };
      this.items.value = this.items.peek().map((one) => (one === item ? { ...one, by } : one));
    });
  }
}
