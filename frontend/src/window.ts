/**
 * Which part of a long timeline is in the document: a run of entries, kept by the seqs at its ends so
 * that pages put before it and messages put after it leave it where it is. Pure.
 */
import { type Entry, indexOfSeq } from './timeline';

const STEP_ENTRIES = 60;
const MOST_ENTRIES = 240;

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
  const from = first === null ? Math.max(0, to - 2 * STEP_ENTRIES) : indexOfSeq(entries, first);
  // Following the newest for hours must not fill the document.
  return { from: last === null ? Math.max(from, to - MOST_ENTRIES) : Math.min(from, to), to };
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
    from: Math.max(0, index - STEP_ENTRIES),
    to: Math.min(entries.length, index + 2 * STEP_ENTRIES),
  });
}

function windowOf(entries: readonly Entry[], { from, to }: Range): Window {
  return {
    first: entries[from]?.seq ?? null,
    last: to >= entries.length ? null : (entries[to - 1]?.seq ?? null),
  };
}
