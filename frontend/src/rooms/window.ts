/**
 * Which part of a long timeline is in the document: a run of entries, kept by the seqs at its ends so
 * that pages put before it and messages put after it leave it where it is. Pure.
 */
import { type Entry, indexOfSeq } from './timeline';

// Enough for the first screen; what is near an end is put there step by step.
const FIRST_ENTRIES = 40;
// So few are quickly laid out: many at once would hold up the wheel.
const STEP_ENTRIES = 20;
const MOST_ENTRIES = 240;
const SLACK_ENTRIES = 60;

export interface Window {
  /** The first seq shown; null for as many as fit before the end. */
  readonly first: number | null;
  /** The last seq shown; null to follow the newest. */
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
 * Keeps a window that grows with every new message bounded. Who follows the newest loses the oldest;
 * who reads further up keeps what is before the eye and loses the newest for now.
 */
export function tamed(entries: readonly Entry[], window: Window, follows: boolean): Window {
  const { from, to } = rangeOf(entries, window);
  if (follows) return to - from > MOST_ENTRIES ? NEWEST : window;
  if (window.first === null && from < to) return windowOf(entries, { from, to });
  if (window.last !== null || to - from <= MOST_ENTRIES + SLACK_ENTRIES) return window;
  return windowOf(entries, { from, to: from + MOST_ENTRIES });
}

/** A step towards older entries; the newest ones leave when it grows too long. */
export function older(entries: readonly Entry[], window: Window): Window {
  const { from, to } = rangeOf(entries, window);
  const first = Math.max(0, from - STEP_ENTRIES);
  return windowOf(entries, { from: first, to: Math.min(to, first + MOST_ENTRIES) });
}

/** A step towards newer entries; the oldest ones leave when it grows too long. */
export function newer(entries: readonly Entry[], window: Window): Window {
  const { from, to } = rangeOf(entries, window);
  const end = Math.min(entries.length, to + STEP_ENTRIES);
  return windowOf(entries, { from: Math.max(from, end - MOST_ENTRIES), to: end });
}

/** A window with the entry of `seq` in it and as much around it. */
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
