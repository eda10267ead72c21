import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import { hasModifier, onKeys } from '../../browser/keys';

const CONTROLS = 'a, button';
// These keys move by so many messages. The ends are those of what is in the document.
const STEPS = new Map([
  ['ArrowUp', -1],
  ['ArrowDown', 1],
  ['Home', Number.NEGATIVE_INFINITY],
  ['End', Number.POSITIVE_INFINITY],
]);

/**
 * Makes the messages one stop of the Tab key. The arrows move between them, and Tab goes on to the
 * links and buttons of the message that has the focus. `reveal` scrolls to a message.
 */
export function useRoving(
  scroller: RefObject<HTMLElement | null>,
  reveal: (message: HTMLElement) => void,
): void {
  useEffect(() => {
    const list = scroller.current;
    if (!list) return;
    let current: HTMLElement | null = null;

    const onFocus = ({ target }: FocusEvent) => {
      const message = (target as HTMLElement).closest<HTMLElement>('article');
      if (message === current) return;
      reach(current, -1);
      reach(message, 0);
      current = message;
    };
    const onKey = onKeys((event) => {
      const step = STEPS.get(event.key);
      if (step === undefined || hasModifier(event) || isField(event.target)) return;
      const next = neighbour(list, current?.isConnected ? current : null, step);
      if (!next) return;
      event.preventDefault();
      next.focus({ preventScroll: true });
      reveal(next);
    });
    list.addEventListener('focusin', onFocus);
    list.addEventListener('keydown', onKey);
    return () => {
      list.removeEventListener('focusin', onFocus);
      list.removeEventListener('keydown', onKey);
    };
  }, [scroller, reveal]);
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLTextAreaElement;
}

function reach(message: HTMLElement | null, tabIndex: 0 | -1): void {
  for (const control of message?.querySelectorAll<HTMLElement>(CONTROLS) ?? [])
    control.tabIndex = tabIndex;
}

/** The message so many steps from `current`. Without a current one, it is the last that is seen. */
function neighbour(
  list: HTMLElement,
  current: HTMLElement | null,
  step: number,
): HTMLElement | undefined {
  const messages = [...list.querySelectorAll<HTMLElement>('article')];
  const last = messages.length - 1;
  if (current === null) {
    const edge = list.getBoundingClientRect().bottom;
    return messages.filter((message) => message.getBoundingClientRect().top < edge).at(-1);
  }
  return messages[Math.max(0, Math.min(last, messages.indexOf(current) + step))];
}
