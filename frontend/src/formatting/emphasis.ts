/**
 * Finds which delimiter runs of a paragraph belong together, by the rules of CommonMark 0.31
 * (section 6.2). Pure.
 */

import type { Inline } from './nodes';

// Deeper emphasis is shown as it was written: it looks no different, and costs the browser time.
const MOST_DEPTH = 8;

/** A delimiter run: so many `*`, `_` or `~`, which may begin or end emphasis. */
interface Run {
  mark: string;
  /** How many were written, and how many of them are left. */
  size: number;
  length: number;
  opens: boolean;
  closes: boolean;
}

interface Bracket {
  bracket: string;
  /** Where its label begins. */
  from: number;
}

/** What was read: text, something finished, or what may become a part of something. */
export type Piece = { node: Inline; depth: number } | Run | Bracket;

/** Emphasis that has begun, and what was read since. */
interface Frame {
  run: Run | null;
  children: Inline[];
  depth: number;
}

/** Makes a tree of pieces: the nodes, and how deep they go. */
export function resolved(pieces: readonly Piece[]): Frame {
  const base: Frame = { run: null, children: [], depth: 0 };
  const frames = [base];
  // Runs of a kind that no frame below this index opens. So nothing is searched twice.
  const floors = new Map<string, number>();
  for (const piece of pieces) {
    if ('node' in piece) add(frames, piece.node, piece.depth);
    else if ('bracket' in piece) add(frames, piece.bracket, 0);
    else {
      const rest = piece.closes ? closed(frames, piece, floors) : piece.length;
      if (rest > 0 && piece.opens)
        frames.push({ run: { ...piece, length: rest }, children: [], depth: 0 });
      else if (rest > 0) add(frames, piece.mark.repeat(rest), 0);
    }
  }
  fold(frames, 1);
  return base;
}

/** Ends emphasis with this run. Returns how many of its characters are left. */
function closed(frames: Frame[], run: Run, floors: Map<string, number>): number {
  let rest = run.length;
  while (rest > 0) {
    const key = `${run.mark}${run.opens}${run.size % 3}`;
    const index = openerOf(frames, run, floors.get(key) ?? 1);
    const opener = frames[index];
    if (!opener?.run) {
      floors.set(key, frames.length);
      return rest;
    }
    fold(frames, index + 1);
    const width = Math.min(2, rest, opener.run.length);
    const { children, depth } = opener;
    const kind = run.mark === '~' ? 'struck' : width === 2 ? 'strong' : 'emphasis';
    const mark = run.mark.repeat(width);
    const isDeep = depth >= MOST_DEPTH;
    const wrapped: Inline[] = isDeep ? [mark, ...children, mark] : [{ kind, children }];
    rest -= width;
    opener.run.length -= width;
    opener.children = wrapped;
    opener.depth = isDeep ? depth : depth + 1;
    if (opener.run.length === 0) {
      frames.pop();
      const outer = frames.at(-1);
      if (!outer) return rest;
      for (const node of wrapped) put(outer, node, opener.depth);
    }
    // What is opened from here on was not searched.
    for (const [kind, floor] of floors) floors.set(kind, Math.min(floor, frames.length));
  }
  return 0;
}

/** The index of the frame that the run ends; 0 where there is none. */
function openerOf(frames: readonly Frame[], run: Run, floor: number): number {
  for (let index = frames.length - 1; index >= floor; index--) {
    const opener = frames[index]?.run;
    if (!opener || opener.mark !== run.mark) continue;
    // CommonMark's rule of three: `*a**b*` is one emphasis.
    const isOdd = run.mark !== '~' && (opener.closes || run.opens);
    const sum = opener.size + run.size;
    if (isOdd && sum % 3 === 0 && (opener.size % 3 !== 0 || run.size % 3 !== 0)) continue;
    return index;
  }
  return 0;
}

/** Gives up the emphasis that began at `index` and after it: its marks mean themselves. */
function fold(frames: Frame[], index: number): void {
  const outer = frames[index - 1];
  for (const { run, children, depth } of frames.splice(index)) {
    if (!outer) return;
    if (run) put(outer, run.mark.repeat(run.length), 0);
    for (const node of children) put(outer, node, depth);
  }
}

function add(frames: readonly Frame[], node: Inline, depth: number): void {
  const frame = frames.at(-1);
  if (frame) put(frame, node, depth);
}

/** Adds a node to those of the frame. Text beside text is one node. */
function put(frame: Frame, node: Inline, depth: number): void {
  const { children } = frame;
  const last = children.length - 1;
  const before = children[last];
  if (typeof node === 'string' && typeof before === 'string') children[last] = before + node;
  else children.push(node);
  frame.depth = Math.max(frame.depth, depth);
}
