import { computed, signal } from '@preact/signals';
import { settingsOf } from 'tailwire-client/rooms/settings';
import type { Timeline } from 'tailwire-client/rooms/timeline';
import type { EntryEvent, Message, Place, Position, Room } from 'tailwire-client/wire/protocol';
import { type Counted, withDeleted, withEdited, withMessage } from './unread';

/** The user's rooms as the list shows them. `unread_count` of a room counts up to its `seq`. */
export class Rooms {
  readonly byId = signal<ReadonlyMap<string, Room>>(new Map());
  readonly loaded = signal(false);
  readonly failed = signal(false);

  /** The room with the newest message is first. */
  readonly sorted = computed(() =>
    [...this.byId.value.values()].sort((a, b) => lastUsed(b).localeCompare(lastUsed(a))),
  );

  get(id: string): Room | undefined {
    return this.byId.value.get(id);
  }

  put(room: Room): void {
    this.byId.value = new Map(this.byId.value).set(room.id, room);
  }

  change(id: string, change: Partial<Room>): void {
    const room = this.get(id);
    if (room) this.put({ ...room, ...change });
  }

  remove(id: string): void {
    const rooms = new Map(this.byId.value);
    if (rooms.delete(id)) this.byId.value = rooms;
  }

  /** The room's log starts over. What is unread there is known only when the server has told it. */
  reset(id: string, { epoch, seq }: Position): void {
    const room = this.get(id);
    if (!room) return;
    if (room.epoch === epoch) this.put({ ...room, seq });
    else
      this.put({
        ...room,
        epoch,
        seq,
        read_seq: null,
        unread_count: null,
        mention_count: null,
        first_unread_seq: null,
        // No entry of the new epoch may change it.
        last_message: room.last_message ? { ...room.last_message, seq: 0 } : null,
      });
  }

  /**
   * Applies one new entry to its room, unless the list already counted it. `timeline` is that from
   * before the entry. False where the number of unread messages is no longer sure.
   */
  apply(event: EntryEvent, timeline: Timeline, me: string): boolean {
    const room = this.get(event.room_id);
    if (!room || event.seq <= room.seq) return true;
    const { room: counted, isSure } = withEntry(room, event, timeline, me);
    this.put({ ...counted, ...folded(room, event, me), seq: event.seq });
    return isSure;
  }
}

function withEntry(room: Room, event: EntryEvent, timeline: Timeline, me: string): Counted {
  switch (event.type) {
    case 'message':
      return { room: withMessage(room, event, me), isSure: true };
    case 'edit':
      return withEdited(room, event, timeline, me);
    case 'delete':
      return withDeleted(room, event.target, timeline, me);
    default:
      return { room, isSure: true };
  }
}

function folded(room: Room, event: EntryEvent, me: string): Partial<Room> {
  const last = room.last_message;
  switch (event.type) {
    case 'message':
      // A direct room that was closed comes back with its next message.
      return {
        last_message: event,
        ...(isClosed(room) && { place: { ...room.place, hidden: false } }),
      };
    case 'edit':
      return last?.seq === event.target ? { last_message: { ...last, ...textOf(event) } } : {};
    case 'delete':
      if (last?.seq !== event.target) return {};
      return {
        last_message: { ...last, body: '', deleted: true, mentions: [], mentions_all: false },
      };
    case 'room':
      return settingsOf(event);
    case 'member':
      return {
        ...(event.user_id === me && event.role && { role: event.role }),
        ...(room.member_count && { member_count: room.member_count + comers(event) }),
      };
    default:
      return {};
  }
}

/** How many members a room has more after an entry: one, none, or one less. */
function comers({ role, was }: Extract<EntryEvent, { type: 'member' }>): number {
  return Number(Boolean(role)) - Number(Boolean(was));
}

function textOf({
  body,
  mentions,
  mentions_all,
}: Extract<EntryEvent, { type: 'edit' }>): Partial<Message> {
  return { body, mentions: mentions ?? [], mentions_all: mentions_all ?? false };
}

function isClosed(room: Room): room is Room & { place: Place } {
  return room.kind === 'direct' && room.place?.hidden === true;
}

function lastUsed(room: Room): string {
  return room.last_message?.at ?? room.created_at;
}
