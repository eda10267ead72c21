/** A thread as a timeline of its own: a message, and the replies that stand below it. Pure. */

import { apply, order, startTimeline, type Timeline } from 'tailwire-client/rooms/timeline';
import type { EntryEvent } from 'tailwire-client/wire/protocol';

/** The thread below `root`, before any of it is loaded. It is at the position of its room. */
export function startThread(room: Timeline, root: number): Timeline {
  return {
    ...startTimeline(room),
    loaded_from: root,
    loaded_to: root - 1,
    has_older: false,
  };
}

/** Applies an entry of the room once. It changes the thread only if it is a part of it. */
export function applyToThread(thread: Timeline, root: number, event: EntryEvent): Timeline {
  const isPart = event.type === 'message' ? event.thread === root : 'target' in event;
  if (isPart) return apply(thread, event);
  return order(thread, event.seq) === 'next' ? { ...thread, seq: event.seq } : thread;
}

/** The message that a reply in the thread answers: the root, or the newest reply where that is deleted. */
export function answerable({ entries }: Timeline): number | null {
  const messages = entries.filter((entry) => entry.kind === 'message' && !entry.deleted);
  const [first] = messages;
  return (first === entries[0] ? first : messages.at(-1))?.seq ?? null;
}
