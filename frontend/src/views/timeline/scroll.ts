import type { Signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Timeline } from '../../rooms/timeline';
import { NEWEST, newer, older, rangeOf, tamed, type Window } from '../../rooms/window';

// Nearer than this to an end, the next part is fetched, so that scrolling rarely meets it.
const NEAR_PIXELS = 800;
// Rounding, and the last line's padding, still count as the bottom.
const BOTTOM_PIXELS = 48;

interface ScrollOptions {
  timeline: Timeline;
  view: Window;
  setView(view: Window): void;
  loading: boolean;
  loadOlder(): void;
  atBottom: Signal<boolean>;
  sentCount: number;
  /** A message that is pointed at; a new object each time. */
  highlight: { seq: number } | null;
}

/** Keeps what the eye is on where it is, whatever is put before or after it. */
export function useScroll(options: ScrollOptions): {
  scroller: RefObject<HTMLDivElement | null>;
  toNewest(): void;
} {
  const scroller = useRef<HTMLDivElement>(null);
  const latest = useRef(options);
  latest.current = options;
  /** Whether the view follows the newest message. */
  const sticks = useRef(true);
  /** The end is asked for, and in the document only after the next rendering. */
  const wantsEnd = useRef(false);
  const anchor = useRef<{ key: string; top: number } | null>(null);
  const placed = useRef(false);
  /** The frame at which the next step is made. */
  const frame = useRef(0);

  const note = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    const { view, atBottom } = latest.current;
    const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
    sticks.current = view.last === null && rest < BOTTOM_PIXELS;
    anchor.current = firstVisible(element);
    atBottom.value = sticks.current;
  }, []);

  /** Asks for more where an end is near: a step. */
  const step = useCallback(() => {
    frame.current = 0;
    const element = scroller.current;
    if (!element || wantsEnd.current) return;
    const { timeline, view, setView, loadOlder } = latest.current;
    const { entries } = timeline;
    const { from } = rangeOf(entries, view);
    const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
    if (element.scrollTop < NEAR_PIXELS && from > 0) setView(older(entries, view));
    else if (element.scrollTop < NEAR_PIXELS && timeline.has_older) loadOlder();
    else if (rest < NEAR_PIXELS && view.last !== null) setView(newer(entries, view));
  }, []);

  /** Keeps the view bounded, and makes a step when the browser next draws: one at a time. */
  const extend = useCallback(() => {
    if (wantsEnd.current) return;
    const { timeline, view, setView } = latest.current;
    const kept = tamed(timeline.entries, view, sticks.current);
    if (kept !== view) setView(kept);
    else frame.current ||= requestAnimationFrame(step);
  }, [step]);

  const settle = useCallback(() => {
    const element = scroller.current;
    if (!element) return;
    if (wantsEnd.current && latest.current.view.last === null) {
      wantsEnd.current = false;
      sticks.current = true;
    }
    if (sticks.current) element.scrollTop = element.scrollHeight;
    else if (anchor.current) {
      const { key, top } = anchor.current;
      const row = element.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
      if (row) element.scrollTop += topOf(row, element) - top;
    }
    note();
  }, [note]);

  const goToEnd = useCallback(() => {
    wantsEnd.current = true;
    latest.current.setView(NEWEST);
    settle();
  }, [settle]);

  useLayoutEffect(() => {
    if (options.sentCount > 0) goToEnd();
  }, [options.sentCount]);

  useLayoutEffect(() => {
    const element = scroller.current;
    const ready =
      !options.loading && (options.timeline.entries.length > 0 || !options.timeline.has_older);
    if (element && ready && !placed.current) {
      placed.current = true;
      const line = element.querySelector<HTMLElement>('[data-unread]');
      if (line) {
        element.scrollTop += topOf(line, element) - element.clientHeight / 4;
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
    // A keyboard that opens on a phone, a turned tablet, a composer that grows.
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

  return { scroller, toNewest };
}

function topOf(row: Element, scroller: Element): number {
  return row.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
}

function firstVisible(scroller: HTMLElement): { key: string; top: number } | null {
  const { top: edge } = scroller.getBoundingClientRect();
  for (const row of scroller.querySelectorAll<HTMLElement>('[data-key]')) {
    const { bottom, top } = row.getBoundingClientRect();
    if (bottom > edge) return { key: row.dataset.key ?? '', top: top - edge };
  }
  return null;
}
