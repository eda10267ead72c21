/**
 * The part of a long timeline that is in the document. It is kept by the seqs of its two ends, so
 * it stays the same when entries are added before or after it. Pure.
 */
import { type Entry, indexOfSeq } from 'tailwire-client/rooms/timeline';

// This fills the first screen. More entries are added step by step.
const FIRST_ENTRIES = 40;
// A step this small is laid out fast enough not to disturb scrolling.
const STEP_ENTRIES = 20;
const MOST_ENTRIES = 240;
const SLACK_ENTRIES = 60;

export interface Window {
  /** The first seq that is shown; null for as many entries as fit before the last. */
  readonly first: number | null;
  /** The last seq that is shown; null to follow the newest. */
  readonly last: number | null;
}

export const NEWEST: Window = { first: null, last: null };

export interface Range {
  from: number;
  to: number;
}

export function rangeOf(entries: readonly Entry[], { first, last }: Window): Range {
  const to = last === null ? entries.length : indexOfSeq(entries, last + 1);
  const from = first === null ? Math.max(0, to - FIRST_ENTRIES) : indexOfSeq(entries, first);
  return { from: Math.min(from, to), to };
}

/**
 * Limits a window that grows with each new message. When it follows the newest, it drops the
 * oldest entries. When the user reads further up, it keeps what is on the screen and drops the
 * newest. Where the newest are not loaded (`isLive` is false) it grows by steps only, because whole
 * pages come at its end.
 */
export function tamed(
  entries: readonly Entry[],
  window: Window,
  { follows, isLive }: { follows: boolean; isLive: boolean },
): Window {
  const { from, to } = rangeOf(entries, window);
  if (follows) return to - from > MOST_ENTRIES ? NEWEST : window;
  if (window.first === null && from < to) return windowOf(entries, { from, to });
  const last = entries.at(-1);
  if (!isLive && window.last === null && last) return { ...window, last: last.seq };
  if (isLive && window.last !== null && to === entries.length) return { ...window, last: null };
  if (window.last !== null || to - from <= MOST_ENTRIES + SLACK_ENTRIES) return window;
  return windowOf(entries, { from, to: from + MOST_ENTRIES });
}

/** Adds older entries. Drops the newest ones where the window grows too long. */
export function older(entries: readonly Entry[], window: Window): Window {
  const { from, to } = rangeOf(entries, window);
  const first = Math.max(0, from - STEP_ENTRIES);
  return windowOf(entries, { from: first, to: Math.min(to, first + MOST_ENTRIES) });
}

/** Adds newer entries. Drops the oldest ones where the window grows too long. */
export function newer(entries: readonly Entry[], window: Window): Window {
  const { from, to } = rangeOf(entries, window);
  const end = Math.min(entries.length, to + STEP_ENTRIES);
  return windowOf(entries, { from: Math.max(from, end - MOST_ENTRIES), to: end });
}

/** A window around the entry with this seq. */
export function around(entries: readonly Entry[], seq: number): Window {
  const index = indexOfSeq(entries, seq);
  return windowOf(entries, {
    from: Math.max(0, index - FIRST_ENTRIES / 2),
    to: Math.min(entries.length, index + FIRST_ENTRIES / 2),
  });
}

function windowOf(entries: readonly Entry[], { from, to }: Range): Window {
  return {
    first: entries[from]?.seq ?? null,
    last: to >= entries.length ? null : (entries[to - 1]?.seq ?? null),
  };
}
