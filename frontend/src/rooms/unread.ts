/**
 * How many messages of a room are unread, how many of them mention the user, and which is the first.
 * docs/protocol.md, *Unread*, has the definition. Pure: each function returns a new room. Where only
 * the server can tell the numbers, `isSure` is false and the room keeps what was known.
 */

import {
  type Entry,
  findEntry,
  indexOfSeq,
  type MessageEntry,
  type Timeline,
} from 'tailwire-client/rooms/timeline';
import type { EntryEvent, Room } from 'tailwire-client/wire/protocol';

export interface Counted {
  room: Room;
  isSure: boolean;
}

type NewMessage = Extract<EntryEvent, { type: 'message' }>;
type Edit = Extract<EntryEvent, { type: 'edit' }>;

/** More unread messages than this are not counted, as no badge shows more. The server counts as far. */
export const MAX_UNREAD = 999;

/**
 * The number of messages after `seq` that are not one's own and not deleted, at most `MAX_UNREAD`; null
 * where not all of them are loaded.
 */
export function countUnread(timeline: Timeline, seq: number, me: string): number | null {
  return countAfter(timeline, seq, (entry) => isUnread(entry, me));
}

/** How many of those messages mention the user. */
export function countMentions(timeline: Timeline, seq: number, me: string): number | null {
  return countAfter(timeline, seq, (entry) => isUnread(entry, me) && isMention(entry, me));
}

function countAfter(
  timeline: Timeline,
  seq: number,
  counts: (entry: Entry | undefined) => boolean,
): number | null {
  if (seq + 1 < timeline.loaded_from || timeline.loaded_to !== null) return null;
  let count = 0;
  const { entries } = timeline;
  for (let index = indexOfSeq(entries, seq + 1); index < entries.length; index++) {
    if (counts(entries[index])) count++;
  }
  return Math.min(count, MAX_UNREAD);
}

/** Whether a message, or the text of an edit, mentions a user. */
export function isMention(
  text: { mentions?: readonly string[] | null; mentions_all?: boolean | null },
  user_id: string,
): boolean {
  return !!text.mentions_all || !!text.mentions?.includes(user_id);
}

/** Whether an entry after the read position is unread. */
export function isUnread(entry: Entry | undefined, me: string): entry is MessageEntry {
  return entry?.kind === 'message' && entry.user_id !== me && !entry.deleted;
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
export function withMessage(room: Room, message: NewMessage, me: string): Room {
  const { read_seq, unread_count, mention_count, first_unread_seq } = room;
  const { seq, user_id } = message;
  if (user_id === me || read_seq === null || unread_count === null || seq <= read_seq) return room;
  return {
    ...room,
    unread_count: Math.min(unread_count + 1, MAX_UNREAD),
    mention_count: moved(mention_count, isMention(message, me) ? 1 : 0),
    first_unread_seq: unread_count === 0 ? seq : first_unread_seq,
  };
}

/** After a message was edited: it may mention others than before. `timeline` is that from before. */
export function withEdited(room: Room, edit: Edit, timeline: Timeline, me: string): Counted {
  const { read_seq, unread_count, mention_count, first_unread_seq } = room;
  const { target } = edit;
  const isRead = read_seq === null || target <= read_seq || target < (first_unread_seq ?? 0);
  if (mention_count == null || !unread_count || isRead || edit.user_id === me)
    return { room, isSure: true };
  const entry = findEntry(timeline, target);
  if (!entry && isLoaded(timeline, target)) return { room, isSure: true };
  if (entry && !isUnread(entry, me)) return { room, isSure: true };
  // Where no unread message mentions the user, this one did not.
  if (!entry && mention_count > 0) return { room, isSure: false };
  const by = Number(isMention(edit, me)) - Number(entry !== undefined && isMention(entry, me));
  if (by < 0 && mention_count >= MAX_UNREAD) return { room, isSure: false };
  return { room: { ...room, mention_count: moved(mention_count, by) }, isSure: true };
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
  const by = { messages: 1, mentions: isMention(entry, me) ? 1 : 0 };
  return less(room, by, next, unread_count < MAX_UNREAD);
}

/** After the user has read up to `seq`, which is before what was read where the user reads it again. */
export function withRead(room: Room, seq: number, timeline: Timeline, me: string): Counted {
  const { unread_count, first_unread_seq } = room;
  const read = { ...room, read_seq: seq };
  if (seq < (room.read_seq ?? 0)) return counted(read, timeline, me);
  if (!unread_count || (first_unread_seq && seq < first_unread_seq))
    return { room: read, isSure: true };
  if (seq >= room.seq) return { room: withNone(read), isSure: true };
  const whole = counted(read, timeline, me);
  if (whole.isSure) return whole;
  const first = first_unread_seq ?? (room.read_seq ?? 0) + 1;
  if (!isLoaded(timeline, first) || !isLoaded(timeline, seq)) return whole;
  const passed = indexOfSeq(timeline.entries, seq + 1);
  const begin = indexOfSeq(timeline.entries, first);
  const seen = timeline.entries.slice(begin, passed).filter((entry) => isUnread(entry, me));
  const by = {
    messages: seen.length,
    mentions: seen.filter((entry) => isMention(entry, me)).length,
  };
  const next = firstUnread(timeline, seq, me) ?? Math.max(seq, timeline.loaded_to ?? seq) + 1;
  return less(read, by, next, unread_count < MAX_UNREAD);
}

/**
 * Brings a room of the server's answer together with what this page knows of the same epoch. The
 * answer may be older than the events that came. `unconfirmed` says that the user has read further on
 * this page than the server knew (`ahead`), or wants to read again from an earlier message (`back`).
 */
export function merged(
  answer: Room,
  known: Room | undefined,
  timeline: Timeline,
  unconfirmed: 'ahead' | 'back' | null,
  me: string,
): Counted {
  if (known?.epoch !== answer.epoch) return { room: answer, isSure: true };
  const here = Math.max(known.read_seq ?? 0, unconfirmed === 'ahead' ? (answer.read_seq ?? 0) : 0);
  const read = unconfirmed ? here : answer.read_seq;
  if (known.seq > answer.seq && known.unread_count !== null && known.read_seq === read)
    return { room: { ...known, ...settings(answer) }, isSure: true };
  const now = answer.seq >= known.seq ? { room: answer, isSure: true } : caughtUp();
  if (read === null || read === answer.read_seq) return now;
  const counted = withRead(now.room, read, timeline, me);
  return { ...counted, isSure: counted.isSure && now.isSure };

  /** The counts of the answer, and the messages that came since. */
  function caughtUp(): Counted {
    const { read_seq, unread_count, mention_count, first_unread_seq, seq } = answer;
    const isSure = timeline.loaded_to === null && timeline.loaded_from <= seq + 1;
    const since = Math.max(seq, read_seq ?? 0);
    const room = {
      ...(known ?? answer),
      ...settings(answer),
      read_seq,
      unread_count: moved(unread_count ?? 0, countUnread(timeline, since, me) ?? 0),
      mention_count: moved(mention_count, countMentions(timeline, since, me) ?? 0),
      first_unread_seq: unread_count ? first_unread_seq : firstUnread(timeline, since, me),
    };
    return { room, isSure };
  }
}

/** What no entry of the log tells. */
function settings({ notify }: Room): Partial<Room> {
  return notify ? { notify } : {};
}

/** Whether all messages at this seq would be among the entries. */
function isLoaded({ loaded_from, loaded_to, seq: position }: Timeline, seq: number): boolean {
  return seq >= loaded_from && seq <= (loaded_to ?? position);
}

/** The counts of what follows the room's `read_seq` in the timeline, where all of it is loaded. */
function counted(room: Room, timeline: Timeline, me: string): Counted {
  const seq = room.read_seq ?? 0;
  const unread_count = countUnread(timeline, seq, me);
  if (unread_count === null || timeline.seq !== room.seq)
    return { room: { ...room, first_unread_seq: seq + 1 }, isSure: false };
  if (unread_count === 0) return { room: withNone(room), isSure: true };
  const mention_count = room.mention_count == null ? null : countMentions(timeline, seq, me);
  const first_unread_seq = firstUnread(timeline, seq, me);
  return { room: { ...room, unread_count, mention_count, first_unread_seq }, isSure: true };
}

function withNone(room: Room): Room {
  return { ...room, unread_count: 0, mention_count: cleared(room), first_unread_seq: null };
}

function cleared({ mention_count }: Room): number | null {
  return mention_count == null ? null : 0;
}

/** A count that is no more than the greatest and no less than none; null where it is not known. */
function moved(count: number, by: number): number;
function moved(count: number | null | undefined, by: number): number | null;
function moved(count: number | null | undefined, by: number): number | null {
  return count == null ? null : Math.max(0, Math.min(count + by, MAX_UNREAD));
}

function less(
  room: Room,
  by: { messages: number; mentions: number },
  first: number | null | undefined,
  isSure: boolean,
): Counted {
  // The count is cut, so the number that is left is not known.
  if (!isSure) return { room: { ...room, first_unread_seq: first }, isSure };
  const unread_count = moved(room.unread_count ?? 0, -by.messages);
  const mention_count = moved(room.mention_count, -by.mentions);
  const first_unread_seq = unread_count ? first : null;
  return { room: { ...room, unread_count, mention_count, first_unread_seq }, isSure };
}
