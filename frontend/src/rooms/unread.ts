/**
 * How many messages of a room are unread, and which is the first. docs/protocol.md, *Unread*, has
 * the definition. Pure: each function returns a new room. Where only the server can tell the
 * number, `isSure` is false and the room keeps what was known.
 */
import type { Room } from '../wire/protocol';
import {
  countUnread,
  findEntry,
  indexOfSeq,
  isUnread,
  MAX_UNREAD,
  type Timeline,
} from './timeline';

export interface Counted {
  room: Room;
  isSure: boolean;
}

/** The first loaded message after `seq` that is unread; null where none is loaded. */
export function firstUnread(timeline: Timeline, seq: number, me: string): number | null {
  const { entries } = timeline;
  for (let index = indexOfSeq(entries, seq + 1); index < entries.length; index++) {
    const entry = entries[index];
    if (isUnread(entry, me)) return entry.seq;
  }
  return null;
}

/** After one more message, with the room's seq not moved yet. */
export function withMessage(room: Room, seq: number, user_id: string, me: string): Room {
  const { read_seq, unread_count, first_unread_seq } = room;
  if (user_id === me || read_seq === null || unread_count === null || seq <= read_seq) return room;
  return {
    ...room,
    unread_count: Math.min(unread_count + 1, MAX_UNREAD),
    first_unread_seq: unread_count === 0 ? seq : first_unread_seq,
  };
}

/** After a message was deleted. `timeline` is that from before. */
export function withDeleted(room: Room, target: number, timeline: Timeline, me: string): Counted {
  const { read_seq, unread_count, first_unread_seq } = room;
  if (!unread_count || read_seq === null || target <= read_seq || target < (first_unread_seq ?? 0))
    return { room, isSure: true };
  const entry = findEntry(timeline, target);
  if (!entry) return { room, isSure: isLoaded(timeline, target) };
  if (!isUnread(entry, me)) return { room, isSure: true };
  const next =
    first_unread_seq === target
      ? (firstUnread(timeline, target, me) ?? target + 1)
      : first_unread_seq;
  return less(room, 1, next, unread_count < MAX_UNREAD);
}

/** After the user has read up to `seq`. */
export function withRead(room: Room, seq: number, timeline: Timeline, me: string): Counted {
  const { unread_count, first_unread_seq } = room;
  const read = { ...room, read_seq: seq };
  if (!unread_count || (first_unread_seq && seq < first_unread_seq))
    return { room: read, isSure: true };
  if (seq >= room.seq)
    return { room: { ...read, unread_count: 0, first_unread_seq: null }, isSure: true };
  const count = countUnread(timeline, seq, me);
  const next = firstUnread(timeline, seq, me) ?? Math.max(seq, timeline.loaded_to ?? seq) + 1;
  if (count !== null && timeline.seq === room.seq)
    return {
      room: { ...read, unread_count: count, first_unread_seq: count ? next : null },
      isSure: true,
    };
  const first = first_unread_seq ?? (room.read_seq ?? 0) + 1;
  if (!isLoaded(timeline, first) || !isLoaded(timeline, seq))
    return { room: { ...read, first_unread_seq: seq + 1 }, isSure: false };
  const passed = indexOfSeq(timeline.entries, seq + 1);
  const begin = indexOfSeq(timeline.entries, first);
  const seen = timeline.entries.slice(begin, passed).filter((entry) => isUnread(entry, me));
  return less(read, seen.length, next, unread_count < MAX_UNREAD);
}

/**
 * Brings a room of the server's answer together with what this page knows of the same epoch. The
 * answer may be older than the events that came, and `readHere` says that this page has read further
 * than the server knew.
 */
export function merged(
  answer: Room,
  known: Room | undefined,
  timeline: Timeline,
  readHere: boolean,
  me: string,
): Counted {
  if (known?.epoch !== answer.epoch) return { room: answer, isSure: true };
  const read = readHere ? Math.max(known.read_seq ?? 0, answer.read_seq ?? 0) : answer.read_seq;
  if (known.seq > answer.seq && known.unread_count !== null && known.read_seq === read)
    return { room: known, isSure: true };
  const now = answer.seq >= known.seq ? { room: answer, isSure: true } : caughtUp();
  if (read === null || read === answer.read_seq) return now;
  const counted = withRead(now.room, read, timeline, me);
  return { ...counted, isSure: counted.isSure && now.isSure };

  /** The counts of the answer, and the messages that came since. */
  function caughtUp(): Counted {
    const { read_seq, unread_count, first_unread_seq, seq } = answer;
    const isSure = timeline.loaded_to === null && timeline.loaded_from <= seq + 1;
    const since = Math.max(seq, read_seq ?? 0);
    const room = {
      ...(known ?? answer),
      read_seq,
      unread_count: Math.min(
        (unread_count ?? 0) + (countUnread(timeline, since, me) ?? 0),
        MAX_UNREAD,
      ),
      first_unread_seq: unread_count ? first_unread_seq : firstUnread(timeline, since, me),
    };
    return { room, isSure };
  }
}

/** Whether all messages at this seq would be among the entries. */
function isLoaded({ loaded_from, loaded_to, seq: position }: Timeline, seq: number): boolean {
  return seq >= loaded_from && seq <= (loaded_to ?? position);
}

function less(room: Room, by: number, first: number | null | undefined, isSure: boolean): Counted {
  // The count is cut, so the number that is left is not known.
  if (!isSure) return { room: { ...room, first_unread_seq: first }, isSure };
  const unread_count = Math.max(0, (room.unread_count ?? 0) - by);
  return {
    room: { ...room, unread_count, first_unread_seq: unread_count ? first : null },
    isSure,
  };
}
