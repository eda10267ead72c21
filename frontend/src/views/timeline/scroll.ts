import type { ReadonlySignal, Signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { indexOfSeq, type Timeline } from 'tailwire-client/rooms/timeline';
import {
  around,
  NEWEST,
  newer,
  older,
  type Range,
  rangeOf,
  tamed,
  type Window,
} from '../../rooms/window';

// When an end is nearer than this, the next part is loaded, so the user rarely reaches an end.
const NEAR_PIXELS = 800;
// A view this near to the bottom counts as at the bottom: positions are rounded, and the last line
// has padding.
const BOTTOM_PIXELS = 48;
// Positions are fractions of a pixel.
const ROUNDING_PIXELS = 2;

interface ScrollOptions {
  timeline: Timeline;
  view: Window;
  setView(view: Window): void;
  loading: boolean;
  loadOlder(): void;
  loadNewer(): void;
  /** The document holds these entries. Those far from them need not stay in memory. */
  keepNear(range: Range): void;
  /** Loads the newest messages where the timeline was opened at an older one. */
  openNewest(): void;
  atBottom: Signal<boolean>;
  focused: ReadonlySignal<boolean>;
  /** The unread line is before the first message after this seq. The view starts there. */
  line: number | null;
  /** The seqs of the first and the last entry on the screen. */
  onShown(from: number, to: number): void;
  sentCount: number;
  /** The message that was chosen, in a new object each time. */
  highlight: { seq: number } | null;
}

/** Keeps the messages on the screen at their place when others are added before or after them. */
export function useScroll(options: ScrollOptions): {
  scroller: RefObject<HTMLDivElement | null>;
  toNewest(): void;
  /** The view no longer follows the newest message, because another place is going to be shown. */
  letGo(): void;
  /** Scrolls no further than a message needs to be seen, and stays there. */
  reveal(message: Element): void;
} {
  const scroller = useRef<HTMLDivElement>(null);
  const latest = useRef(options);
  latest.current = options;
  /** Whether the view follows the newest message. */
  const sticks = useRef(true);
  /** The user asked for the end, which is in the document only after the next rendering. */
  const wantsEnd = useRef(false);
  const anchor = useRef<{ key: string; top: number } | null>(null);
  const placed = useRef(false);
  /** The last unread line that was above the screen. */
  const passedLine = useRef<number | null>(null);
  /** The animation frame in which the next step is made. */
  const frame = useRef(0);

  const note = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    const { view, atBottom, onShown, timeline } = latest.current;
    const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
    const isEnd = view.last === null && timeline.loaded_to === null;
    sticks.current = isEnd && rest < BOTTOM_PIXELS;
    anchor.current = firstVisible(element);
    const row = lineIn(element);
    if (row && topOf(row, element) < -ROUNDING_PIXELS) passedLine.current = latest.current.line;
    const isSeen = getComputedStyle(element).visibility === 'visible';
    atBottom.value = sticks.current && isSeen;
    if (!isSeen) return;
    const shown = seqsOnScreen(element);
    // The end of the log may be an entry that shows nothing.
    if (shown) onShown(shown.from, sticks.current ? timeline.seq : shown.to);
    else if (sticks.current && !timeline.has_older) onShown(timeline.seq, timeline.seq);
  }, []);

  /** Loads one more part of the timeline when an end is near. */
  const step = useCallback(() => {
    frame.current = 0;
    const element = scroller.current;
    if (!element || wantsEnd.current) return;
    const { timeline, view, setView, loadOlder, loadNewer } = latest.current;
    const { entries } = timeline;
    const { from, to } = rangeOf(entries, view);
    const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
    if (element.scrollTop < NEAR_PIXELS && from > 0) setView(older(entries, view));
    else if (element.scrollTop < NEAR_PIXELS && timeline.has_older) loadOlder();
    else if (rest < NEAR_PIXELS && to < entries.length) setView(newer(entries, view));
    else if (rest < NEAR_PIXELS && timeline.loaded_to !== null) loadNewer();
  }, []);

  /**
   * Limits the size of the view and makes a step in the next animation frame. Only one step waits
   * at a time.
   */
  const extend = useCallback(() => {
    if (wantsEnd.current) return;
    const { timeline, view, setView, keepNear } = latest.current;
    const isLive = timeline.loaded_to === null;
    const kept = tamed(timeline.entries, view, { follows: sticks.current, isLive });
    if (kept !== view) {
      setView(kept);
      return;
    }
    keepNear(rangeOf(timeline.entries, view));
    frame.current ||= requestAnimationFrame(step);
  }, [step]);

  const settle = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    const { focused, line, timeline, view } = latest.current;
    if (wantsEnd.current && view.last === null && timeline.loaded_to === null) {
      wantsEnd.current = false;
      sticks.current = true;
    }
    const stopsAtLine = !focused.peek() && line !== passedLine.current;
    if (sticks.current) toEnd(element, stopsAtLine ? lineIn(element) : null);
    else if (anchor.current) {
      const { key, top } = anchor.current;
      const row = element.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
      if (row) element.scrollTop += topOf(row, element) - top;
    }
    note();
  }, [note]);

  const goToEnd = useCallback(() => {
    wantsEnd.current = true;
    // Messages that are loaded only now do not lead to the unread line any more.
    placed.current = true;
    latest.current.setView(NEWEST);
    latest.current.openNewest();
    settle();
  }, [settle]);

  useLayoutEffect(() => {
    if (options.sentCount > 0) goToEnd();
  }, [options.sentCount]);

  useLayoutEffect(() => {
    const element = scroller.current;
    const { timeline, view, line, setView } = options;
    const ready = !options.loading && (timeline.entries.length > 0 || !timeline.has_older);
    const index = line === null ? 0 : indexOfSeq(timeline.entries, line + 1);
    const first = timeline.entries[index];
    const isAbove = line !== null && first && index < rangeOf(timeline.entries, view).from;
    // So many messages have come at once that the line which they began is above the document.
    if (isAbove && line !== passedLine.current && sticks.current && !options.focused.peek())
      placed.current = false;
    if (element && ready && !placed.current) {
      if (isAbove) {
        setView(around(timeline.entries, first.seq));
        return;
      }
      placed.current = true;
      const row = lineIn(element);
      if (row) {
        element.scrollTop += topOf(row, element) - element.clientHeight / 4;
        note();
        extend();
        return;
      }
    }
    settle();
    extend();
  });

  useLayoutEffect(() => {
    const element = scroller.current;
    const row = element?.querySelector<HTMLElement>(`[data-seq="${options.highlight?.seq}"]`);
    if (!element || !row) return;
    sticks.current = false;
    element.scrollTop += topOf(row, element) - element.clientHeight / 3;
    const { activeElement } = document;
    if (!(activeElement instanceof HTMLTextAreaElement)) row.focus({ preventScroll: true });
    note();
  }, [options.highlight]);

  useEffect(() => {
    const element = scroller.current;
    const content = element?.firstElementChild;
    if (!element || !content) return;
    const onScroll = () => {
      note();
      extend();
    };
    // The height changes when a phone's keyboard opens, a tablet is turned, or the composer grows.
    const observer = new ResizeObserver(settle);
    observer.observe(element);
    observer.observe(content);
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      cancelAnimationFrame(frame.current);
      observer.disconnect();
      element.removeEventListener('scroll', onScroll);
    };
  }, [note, extend, settle]);

  const toNewest = () => {
    goToEnd();
    scroller.current?.focus();
  };

  const letGo = () => {
    sticks.current = false;
    wantsEnd.current = false;
    anchor.current = null;
  };

  // Noted at once: the next rendering keeps the place that was noted, and may come before the event.
  const reveal = useCallback(
    (message: Element) => {
      message.scrollIntoView({ block: 'nearest' });
      note();
    },
    [note],
  );

  return { scroller, toNewest, letGo, reveal };
}

/**
 * Scrolls to the newest message, but not past the unread line. It stays on the screen while nobody
 * looks at the window, so that the reader begins there.
 */
function toEnd(element: HTMLElement, line: HTMLElement | null): void {
  element.scrollTop = element.scrollHeight;
  if (line) element.scrollTop += Math.min(0, topOf(line, element));
}

function lineIn(scroller: HTMLElement): HTMLElement | null {
  return scroller.querySelector<HTMLElement>('[data-unread]');
}

function topOf(row: Element, scroller: Element): number {
  return row.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
}

/**
 * The first row that begins on the screen. One that is cut by the upper edge may itself grow or shrink,
 * and must not push down what is read. It stands in where it fills the screen.
 */
function firstVisible(scroller: HTMLElement): { key: string; top: number } | null {
  const { top: edge, bottom } = scroller.getBoundingClientRect();
  const rows = scroller.querySelectorAll<HTMLElement>('[data-key]');
  const cut = firstBelow(rows, edge);
  const topAt = (index: number) => rows[index]?.getBoundingClientRect().top ?? bottom;
  const next = topAt(cut) < edge && topAt(cut + 1) < bottom ? cut + 1 : cut;
  const row = rows[next];
  return row ? { key: row.dataset.key ?? '', top: topAt(next) - edge } : null;
}

/** The seqs of the first entry that is partly on the screen, and of the last whose end is on it. */
function seqsOnScreen(scroller: HTMLElement): { from: number; to: number } | null {
  const { top, bottom } = scroller.getBoundingClientRect();
  const rows = scroller.querySelectorAll<HTMLElement>('[data-seq]');
  const first = rows[firstBelow(rows, top)];
  const last = rows[firstBelow(rows, bottom + ROUNDING_PIXELS) - 1];
  const from = Number(first?.dataset.seq);
  const to = Number(last?.dataset.seq);
  return to >= from ? { from, to } : null;
}

/** The index of the first row whose lower end is below `edge`. */
function firstBelow(rows: ArrayLike<HTMLElement>, edge: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.getBoundingClientRect().bottom ?? 0) > edge) high = middle;
    else low = middle + 1;
  }
  return low;
}
