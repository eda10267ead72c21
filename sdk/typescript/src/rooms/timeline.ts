/**
 * One room's log as a client knows it: the entries, and the position up to which the log was
 * applied. Pure: each function returns a new timeline, or the same one where nothing changed.
 */
import type { EntryEvent, HistoryPage, Message, Position } from '../wire/protocol.ts';
import { changed, type Entry, itemEntry, messageEntry, noticeEntry } from './entries.ts';
import { counted, countReplies, doubtfulRoot, recountedReplies } from './replies.ts';

export type { Entry, Fact, MessageEntry, NoticeEntry, Reaction } from './entries.ts';
export { changed, messageEntry } from './entries.ts';

type Change = Extract<EntryEvent, { target: number }>;
type NewEntry = Extract<EntryEvent, { type: 'message' | 'member' | 'room' }>;

export interface Timeline {
  readonly epoch: string;
  /** The last seq that was applied. With the epoch it is the position. */
  readonly seq: number;
  /** From this seq to `loaded_to`, all messages are in `entries` and all changes are applied. */
  readonly loaded_from: number;
  /**
   * Null while the entries reach to `seq`, and new ones are added as they come. Otherwise what is
   * after this seq is not loaded: the timeline was opened at an older message.
   */
  readonly loaded_to: number | null;
  /** Ascending by seq. */
  readonly entries: readonly Entry[];
  /** Whether history holds messages older than the first entry. */
  readonly has_older: boolean;
  /**
   * Null, or, while history is on its way, the entries that came meanwhile and could not be applied
   * because what they belong to is not loaded yet.
   */
  readonly waiting: readonly (Change | NewEntry)[] | null;
}

export function startTimeline({ epoch, seq }: Position): Timeline {
  return {
    epoch,
    seq,
    loaded_from: seq + 1,
    loaded_to: null,
    entries: [],
    has_older: seq > 0,
    waiting: null,
  };
}

/** Drops the entries, so that history can load those around `seq` instead. */
export function openAt(timeline: Timeline, seq: number): Timeline {
  return {
    ...startTimeline(timeline),
    loaded_from: seq,
    loaded_to: seq - 1,
    has_older: seq > 1,
  };
}

export function position({ epoch, seq }: Timeline): Position {
  return { epoch, seq };
}

export function isAt(timeline: Timeline, { epoch, seq }: Position): boolean {
  return timeline.epoch === epoch && timeline.seq === seq;
}

/** Whether an event is the next one, was applied before, or comes after a gap. */
export function order(timeline: Timeline, seq: number): 'next' | 'old' | 'gap' {
  if (seq <= timeline.seq) return 'old';
  return seq === timeline.seq + 1 ? 'next' : 'gap';
}

/**
 * Applies an event once. An event that was applied before, or that comes after a gap, changes
 * nothing.
 */
export function apply(timeline: Timeline, event: EntryEvent): Timeline {
  if (order(timeline, event.seq) !== 'next') return timeline;
  const advanced = { ...timeline, seq: event.seq };
  switch (event.type) {
    case 'message':
    case 'member':
    case 'room':
      return timeline.loaded_to === null
        ? add(advanced, event)
        : counted(wait(advanced, event), event);
    case 'unreadable':
      return advanced;
    default:
      return applyChange(advanced, event);
  }
}

export function expectHistory(timeline: Timeline): Timeline {
  return { ...timeline, waiting: [] };
}

export function abandonHistory(timeline: Timeline): Timeline {
  return { ...timeline, waiting: null };
}

/** Whether this page of history is still expected. After a reset or a trim it is not. */
export function expectsHistory(timeline: Timeline, page: HistoryPage): boolean {
  return timeline.waiting !== null && page.epoch === timeline.epoch;
}

/** Adds the expected page of history before the loaded entries. */
export function prepend(timeline: Timeline, page: HistoryPage): Timeline {
  if (!expectsHistory(timeline, page)) return abandonHistory(timeline);
  return settled(withOlder(timeline, page));
}

/** Adds the expected page of history after the loaded entries. */
export function append(timeline: Timeline, page: HistoryPage): Timeline {
  if (!expectsHistory(timeline, page)) return abandonHistory(timeline);
  return settled(withNewer(timeline, page));
}

/** Adds the expected pages before and after the place at which the timeline was opened. */
export function surround(timeline: Timeline, before: HistoryPage, after: HistoryPage): Timeline {
  const expected = expectsHistory(timeline, before) && expectsHistory(timeline, after);
  if (!expected) return abandonHistory(timeline);
  return settled(withNewer(withOlder(timeline, before), after));
}

function withOlder(timeline: Timeline, page: HistoryPage): Timeline {
  const older = page.items.filter(({ seq }) => seq < timeline.loaded_from).map(itemEntry);
  return {
    ...timeline,
    loaded_from: page.has_more ? (older[0]?.seq ?? timeline.loaded_from) : 1,
    entries: [...older, ...timeline.entries],
    has_older: page.has_more,
  };
}

/** The server may be ahead of this page. What is after `seq` comes as an event, too. */
function withNewer(timeline: Timeline, { items, has_more }: HistoryPage): Timeline {
  const { loaded_to, seq: position } = timeline;
  if (loaded_to === null) return timeline;
  const newer = items.filter(({ seq }) => seq > loaded_to && seq <= position).map(itemEntry);
  const reached = !has_more || (items.at(-1)?.seq ?? 0) >= position;
  return {
    ...timeline,
    loaded_to: reached ? null : (newer.at(-1)?.seq ?? loaded_to),
    entries: [...timeline.entries, ...newer],
  };
}

/** History has come, so what waited for it is applied. */
function settled(timeline: Timeline): Timeline {
  const still: Timeline = { ...timeline, waiting: null };
  const now = (timeline.waiting ?? []).reduce((now, event) => {
    if ('target' in event) return applyChange(now, event);
    const isNew = now.loaded_to === null && event.seq > (now.entries.at(-1)?.seq ?? 0);
    return isNew ? add(now, event) : now;
  }, still);
  return countReplies(now);
}

export function findEntry(timeline: Timeline, seq: number): Entry | undefined {
  const entry = timeline.entries[indexOfSeq(timeline.entries, seq)];
  return entry?.seq === seq ? entry : undefined;
}

/** Whether the message that the user sent with this ref is loaded. */
export function holds({ entries }: Timeline, user_id: string, ref: string): boolean {
  return entries.some(
    (entry) => entry.kind === 'message' && entry.user_id === user_id && entry.ref === ref,
  );
}

/** The index of the first entry at or after `seq`. */
export function indexOfSeq(entries: readonly Entry[], seq: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.seq ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The messages for which some of these events may have been counted wrongly. History names only the first
 * who reacted with an emoji, so that of another user it is not known whether they are among the rest. Nor
 * does it tell up to which seq it has counted replies.
 */
export function doubtful(timeline: Timeline, events: readonly EntryEvent[]): number[] {
  const seqs = events.flatMap((change) => {
    if (change.type === 'message' || change.type === 'delete')
      return doubtfulRoot(timeline, change) ?? [];
    if (change.type !== 'reaction') return [];
    const entry = findEntry(timeline, change.target);
    const reactions = entry?.kind === 'message' ? entry.reactions : [];
    const reaction = reactions.find(({ emoji }) => emoji === change.emoji);
    return reaction && reaction.count > reaction.user_ids.length ? [change.target] : [];
  });
  return [...new Set(seqs)];
}

/** Takes over the reactions and replies of a message as the server has just told them. */
export function recounted(timeline: Timeline, message: Message): Timeline {
  const index = indexOfSeq(timeline.entries, message.seq);
  const entry = timeline.entries[index];
  if (entry?.seq !== message.seq || entry.kind !== 'message') return timeline;
  const entries = timeline.entries.slice();
  const now = recountedReplies(entry, timeline, message);
  entries[index] = entry.deleted ? now : { ...now, reactions: messageEntry(message).reactions };
  return { ...timeline, entries };
}

function add(timeline: Timeline, event: NewEntry): Timeline {
  const entry = event.type === 'message' ? messageEntry(event) : noticeEntry(event);
  return counted({ ...timeline, entries: [...timeline.entries, entry] }, event);
}

function wait(timeline: Timeline, event: Change | NewEntry): Timeline {
  const { waiting } = timeline;
  return waiting ? { ...timeline, waiting: [...waiting, event] } : timeline;
}

function applyChange(timeline: Timeline, change: Change): Timeline {
  const index = indexOfSeq(timeline.entries, change.target);
  const entry = timeline.entries[index];
  if (entry?.seq !== change.target || entry.kind !== 'message') {
    // The message is not loaded. History brings it with the change applied, unless the page was
    // requested before.
    return counted(wait(timeline, change), change);
  }
  const entries = timeline.entries.slice();
  // What has its default is left out of an entry.
  const fact = change.type === 'edit' ? { mentions: [], mentions_all: false, ...change } : change;
  entries[index] = changed(entry, fact);
  return counted({ ...timeline, entries }, change);
}
