import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { hasModifier, onKeys } from '../../browser/keys';

// As long as the systems of phones take for a long press.
const LONG_PRESS_MILLISECONDS = 500;
// A finger that rests moves less than this.
const MOVE_PIXELS = 10;

export interface Presses {
  /** A key was pressed while a message had the focus. Returns whether the key did something. */
  onKey(key: string, seq: number, anchor: DOMRect): boolean;
  /** A finger rested on a message, or on one of its reactions. */
  onHold(what: 'message' | 'reaction', seq: number, anchor: DOMRect): void;
}

/** Listens to the keys that act on the message that has the focus, and to fingers that rest on one. */
export function usePresses(scroller: RefObject<HTMLElement | null>, presses: Presses): void {
  const latest = useRef(presses);
  latest.current = presses;
  useEffect(() => {
    const list = scroller.current;
    if (!list) return;

    const onKey = onKeys((event) => {
      const { target } = event;
      if (!(target instanceof HTMLElement) || target.tagName !== 'ARTICLE') return;
      const isMenuKey = event.key === 'F10' && event.shiftKey;
      if (hasModifier(event) && !isMenuKey && event.key !== '+') return;
      const key = isMenuKey ? 'ContextMenu' : event.key;
      const seq = seqOf(target);
      if (seq !== null && latest.current.onKey(key, seq, target.getBoundingClientRect()))
        event.preventDefault();
    });

    let timer = 0;
    let start = { x: 0, y: 0 };
    /** The press was taken as a long one, so its end is no click. */
    let isHeld = false;
    const stop = () => clearTimeout(timer);

    const onDown = ({ pointerType, target, clientX, clientY, isPrimary }: PointerEvent) => {
      stop();
      isHeld = false;
      if (pointerType !== 'touch' || !isPrimary || !(target instanceof Element)) return;
      // A link and a field have long presses of their own, but not the name: a finger on what is below it may count for it.
      const message = target.closest('article');
      const seq = message && !target.closest('.body a, textarea') ? seqOf(message) : null;
      if (seq === null) return;
      start = { x: clientX, y: clientY };
      const what = target.closest('.reaction[data-emoji]') ? 'reaction' : 'message';
      timer = window.setTimeout(() => {
        isHeld = true;
        latest.current.onHold(what, seq, new DOMRect(clientX, clientY, 0, 0));
      }, LONG_PRESS_MILLISECONDS);
    };
    const onMove = ({ clientX, clientY }: PointerEvent) => {
      if (Math.hypot(clientX - start.x, clientY - start.y) > MOVE_PIXELS) stop();
    };
    const onEnd = (event: Event) => {
      if (isHeld) event.preventDefault();
    };
    const onClick = (event: Event) => {
      if (!isHeld) return;
      isHeld = false;
      event.preventDefault();
      event.stopPropagation();
    };

    list.addEventListener('keydown', onKey);
    list.addEventListener('pointerdown', onDown);
    list.addEventListener('pointermove', onMove);
    for (const end of ENDS) list.addEventListener(end, stop);
    // Android opens a menu of its own by the same press.
    list.addEventListener('contextmenu', onEnd);
    list.addEventListener('click', onClick, true);
    return () => {
      stop();
      list.removeEventListener('keydown', onKey);
      list.removeEventListener('pointerdown', onDown);
      list.removeEventListener('pointermove', onMove);
      for (const end of ENDS) list.removeEventListener(end, stop);
      list.removeEventListener('contextmenu', onEnd);
      list.removeEventListener('click', onClick, true);
    };
  }, [scroller]);
}

const ENDS = ['pointerup', 'pointercancel', 'scroll'];

function seqOf(message: HTMLElement): number | null {
  const { seq } = message.dataset;
  return seq === undefined ? null : Number(seq);
}
