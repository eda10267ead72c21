import { signal } from '@preact/signals';
import type { MembershipEvent, Room } from '../wire/protocol';
import type { Author } from './names';

/** What happened to the user's membership of a room by something other than this page. */
export interface NewsItem {
  room_id: string;
  /** The name of the room. */
  name: string;
  /** gone: the user is no longer a member, and this page was not told why. */
  what: 'added' | 'removed' | 'left' | 'gone';
  /** The user who did it; null where it is not known. */
  by: Author | null;
}

/** The news of the user's memberships, at most one for each room, until the user has seen it. */
export class News {
  readonly items = signal<readonly NewsItem[]>([]);

  of(room_id: string): NewsItem | undefined {
    return this.items.value.find((item) => item.room_id === room_id);
  }

  added(room: Room, by: Author | null): void {
    this.#tell({ room_id: room.id, name: room.name, what: 'added', by });
  }

  /** The user is no longer a member. `event` is what the server said, if it did. */
  ended(room: Room, event?: MembershipEvent): void {
    const what =
      event?.reason === 'removed' || event?.reason === 'left' ? event.reason : ('gone' as const);
    this.#tell({ room_id: room.id, name: room.name, what, by: authorOf(event) });
  }

  seen(room_id: string): void {
    if (this.items.peek().some((item) => item.room_id === room_id))
      this.items.value = this.items.peek().filter((item) => item.room_id !== room_id);
  }

  #tell(item: NewsItem): void {
    this.seen(item.room_id);
    this.items.value = [...this.items.peek(), item];
  }
}

/** The user who changed the membership; null where the event does not tell. */
export function authorOf(event: MembershipEvent | undefined): Author | null {
  if (!event?.by || !event.by_username) return null;
  return { user_id: event.by, username: event.by_username };
}
