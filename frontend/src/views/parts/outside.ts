import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';

interface PressHandlers {
  onPointerDown(event: PointerEvent): void;
  onClickCapture(event: MouseEvent): void;
}

/**
 * Calls `onPress` when the user presses beside what a modal dialog shows. A finger that rested on
 * something until the dialog opened ends its press in the dialog: such a click does nothing.
 */
export function useOutside(
  dialog: RefObject<HTMLDialogElement | null>,
  onPress: () => void,
): PressHandlers {
  const pressed = useRef<EventTarget | null>(null);
  return {
    onPointerDown: ({ target }) => {
      pressed.current = target;
    },
    onClickCapture: (event) => {
      // A key presses without a pointer.
      const isMeant = pressed.current !== null || event.detail === 0;
      const isOutside = event.target === dialog.current && pressed.current === event.target;
      if (!isMeant) event.stopPropagation();
      else if (isOutside) onPress();
    },
  };
}
