import { computed, signal } from '@preact/signals';
import type { EntryEvent, Room } from '../wire/protocol';
import { countUnread, type Timeline } from './timeline';

/** The user's rooms as the list shows them. `unread_count` of a room counts up to its `seq`. */
export class Rooms {
  readonly byId = signal<ReadonlyMap<string, Room>>(new Map());
  readonly loaded = signal(false);
  readonly failed = signal(false);

  /** The room with the newest message is first. */
  readonly sorted = computed(() =>
    [...this.byId.value.values()].sort((a, b) => lastUsed(b).localeCompare(lastUsed(a))),
  );

  readonly unreadTotal = computed(() => {
    let total = 0;
    for (const room of this.byId.value.values()) total += room.unread_count ?? 0;
    return total;
  });

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

  /** Replaces the list. Returns the ids of rooms that are no longer in it. */
  replace(list: readonly Room[]): string[] {
    const rooms = new Map(list.map((room) => [room.id, room]));
    const gone = [...this.byId.value.keys()].filter((id) => !rooms.has(id));
    this.byId.value = rooms;
    this.loaded.value = true;
    this.failed.value = false;
    return gone;
  }

  /** Applies one new entry to its room, unless the list already counted it. */
  apply(event: EntryEvent, me: string): void {
    const room = this.get(event.room_id);
    if (!room || event.seq <= room.seq) return;
    this.put({ ...room, seq: event.seq, ...folded(room, event, me) });
  }
}

function folded(room: Room, event: EntryEvent, me: string): Partial<Room> {
  const last = room.last_message;
  switch (event.type) {
    case 'message': {
      const mine = event.user_id === me;
      return { last_message: event, unread_count: (room.unread_count ?? 0) + (mine ? 0 : 1) };
    }
    case 'edit':
      return last?.seq === event.target ? { last_message: { ...last, body: event.body } } : {};
    case 'delete':
      if (last?.seq !== event.target) return {};
      return { last_message: { ...last, body: '', deleted: true } };
    case 'room':
      return { name: event.name, topic: event.topic ?? null, visibility: event.visibility };
    case 'member':
      return event.user_id === me && event.role ? { role: event.role } : {};
    default:
      return {};
  }
}

/**
 * Brings a room from the server's list up to date with what this page knows. The list may be older
 * than the timeline, and the read position of this page may be newer than the server's.
 */
export function caughtUp(
  listed: Room,
  known: Room | undefined,
  timeline: Timeline,
  me: string,
): Room {
  if (listed.epoch !== timeline.epoch) return listed;
  const room = { ...listed };
  if (timeline.seq > listed.seq) {
    room.seq = timeline.seq;
    room.unread_count = (listed.unread_count ?? 0) + (countUnread(timeline, listed.seq, me) ?? 0);
    if (known?.last_message) room.last_message = known.last_message;
  }
  if (known && (known.read_seq ?? 0) > (listed.read_seq ?? 0)) {
    room.read_seq = known.read_seq;
    room.unread_count = countUnread(timeline, known.read_seq ?? 0, me) ?? known.unread_count;
  }
  return room;
}

function lastUsed(room: Room): string {
  return room.last_message?.at ?? room.created_at;
}
