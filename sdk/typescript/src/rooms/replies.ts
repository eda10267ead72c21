/** Counts the replies below the messages of a timeline. Pure. */
import type { Message } from '../wire/protocol.ts';
import type { MessageEntry } from './entries.ts';
import type { Timeline } from './timeline.ts';

type Replies = Pick<MessageEntry, 'reply_count' | 'last_reply_at'>;

/** An event of the log. A message and a delete tell the thread of the message that comes or goes. */
interface LogEvent {
  type: string;
  at?: string;
  thread?: number | null;
}

/** The timeline to which an event was applied, with the replies counted after it. */
export function counted(timeline: Timeline, event: LogEvent): Timeline {
  if (event.thread == null) return timeline;
  return timeline.loaded_to === null ? countReplies(timeline) : countOne(timeline, event);
}

/**
 * Counts the replies below every loaded message anew. All of them are loaded, because the timeline reaches
 * from the message to its end.
 */
export function countReplies(timeline: Timeline): Timeline {
  if (timeline.loaded_to !== null) return timeline;
  const below = new Map<number, Replies>();
  for (const entry of timeline.entries) {
    if (entry.kind !== 'message' || entry.thread === null || entry.deleted) continue;
    const reply_count = (below.get(entry.thread)?.reply_count ?? 0) + 1;
    below.set(entry.thread, { reply_count, last_reply_at: entry.at });
  }
  const none: Replies = { reply_count: 0, last_reply_at: null };
  const entries = timeline.entries.map((entry) =>
    entry.kind === 'message' ? withReplies(entry, below.get(entry.seq) ?? none) : entry,
  );
  return { ...timeline, entries };
}

/** The loaded message of whose replies this event leaves it unclear how many there are; null where none is. */
export function doubtfulRoot(
  { entries, loaded_to }: Timeline,
  { thread }: LogEvent,
): number | null {
  if (loaded_to === null || thread == null) return null;
  return entries.some(({ seq }) => seq === thread) ? thread : null;
}

/** The message with its replies as the server has just told them, or as the timeline counts them itself. */
export function recountedReplies(
  entry: MessageEntry,
  timeline: Timeline,
  { reply_count = 0, last_reply_at = null }: Message,
): MessageEntry {
  return timeline.loaded_to === null ? entry : withReplies(entry, { reply_count, last_reply_at });
}

function withReplies(entry: MessageEntry, { reply_count, last_reply_at }: Replies): MessageEntry {
  const isSame = entry.reply_count === reply_count && entry.last_reply_at === last_reply_at;
  return isSame ? entry : { ...entry, reply_count, last_reply_at };
}

/**
 * Counts a reply that comes or goes, where the timeline does not reach to its end. It may be counted
 * already, so the server is asked for the right count: see `doubtfulRoot`.
 */
function countOne(timeline: Timeline, { type, at, thread }: LogEvent): Timeline {
  const entries = timeline.entries.map((entry) => {
    if (entry.seq !== thread || entry.kind !== 'message') return entry;
    const isGone = type === 'delete';
    const reply_count = Math.max(0, entry.reply_count + (isGone ? -1 : 1));
    const last = isGone ? entry.last_reply_at : (at ?? null);
    return withReplies(entry, { reply_count, last_reply_at: reply_count > 0 ? last : null });
  });
  return { ...timeline, entries };
}
