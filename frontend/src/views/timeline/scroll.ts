import type { Signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Timeline } from '../../rooms/timeline';
import { NEWEST, newer, older, rangeOf, tamed, type Window } from '../../rooms/window';

// When an end is nearer than this, the next part is loaded, so the user rarely reaches an end.
const NEAR_PIXELS = 800;
// A view this near to the bottom counts as at the bottom: positions are rounded, and the last line
// has padding.
const BOTTOM_PIXELS = 48;

interface ScrollOptions {
  timeline: Timeline;
  view: Window;
  setView(view: Window): void;
  loading: boolean;
  loadOlder(): void;
  atBottom: Signal<boolean>;
  sentCount: number;
  /** The message that was chosen, in a new object each time. */
  highlight: { seq: number } | null;
}

/** Keeps the messages on the screen at their place when others are added before or after them. */
export function useScroll(options: ScrollOptions): {
  scroller: RefObject<HTMLDivElement | null>;
  toNewest(): void;
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
  /** The animation frame in which the next step is made. */
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

  /** Loads one more part of the timeline when an end is near. */
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

  /**
   * Limits the size of the view and makes a step in the next animation frame. Only one step waits
   * at a time.
   */
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
