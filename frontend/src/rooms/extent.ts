/**
 * How much of a timeline stays in memory. What is dropped can be loaded again from history, so a
 * long room costs no more than a short one. Pure.
 */
import { startTimeline, type Timeline } from 'tailwire-client/rooms/timeline';
import type { Range } from './window';

export interface Extent {
  /** So many entries before and after the view stay, so that going back a little asks for nothing. */
  near: number;
  /** While no more are loaded, none is dropped. More than a view and what is near it. */
  most: number;
}

const EXTENT: Extent = { near: 200, most: 800 };

/** Drops all but the newest entries. */
export function trim(timeline: Timeline, keep: number): Timeline {
  if (timeline.loaded_to !== null) return startTimeline(timeline);
  const { length } = timeline.entries;
  if (length <= keep) return timeline;
  return { ...cut(timeline, length - keep, length), waiting: null };
}

/**
 * Drops what is far from the entries that the view shows, once too many are loaded. While a page is
 * on its way nothing is dropped, because the page goes on from the ends that there are.
 */
export function nearby(
  timeline: Timeline,
  { from, to }: Range,
  { near, most }: Extent = EXTENT,
): Timeline {
  const { entries, waiting } = timeline;
  if (waiting || entries.length <= most) return timeline;
  return cut(timeline, Math.max(0, from - near), Math.min(entries.length, to + near));
}

/** Keeps the entries from the index `from` to before the index `to`. */
function cut(timeline: Timeline, from: number, to: number): Timeline {
  const entries = timeline.entries.slice(from, to);
  return {
    ...timeline,
    entries,
    loaded_from: from > 0 ? (entries[0]?.seq ?? timeline.seq + 1) : timeline.loaded_from,
    loaded_to: to < timeline.entries.length ? (entries.at(-1)?.seq ?? null) : timeline.loaded_to,
    has_older: from > 0 || timeline.has_older,
  };
}
