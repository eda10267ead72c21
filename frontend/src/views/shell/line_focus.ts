import { useLayoutEffect, useRef } from 'preact/hooks';

/**
 * Keeps the focus at the line of a room that is drawn anew, as in another group of the list. A line that is gone gives
 * it to the filter. `menuOf` is the room whose menu is open: it goes back to its line.
 */
export function useLineFocus(menuOf: string | null): void {
  const held = useRef<string | null>(null);
  // Before this rendering is drawn: afterwards it is not known any more what had the focus.
  held.current = menuOf ?? focusedRoom() ?? held.current;
  useLayoutEffect(() => {
    const room_id = held.current;
    if (menuOf !== null || room_id === null) return;
    held.current = null;
    if (document.activeElement !== document.body) return;
    const line = document.querySelector<HTMLElement>(`[data-room="${CSS.escape(room_id)}"] a`);
    (line ?? document.querySelector<HTMLElement>('.room-filter input'))?.focus();
  });
}

function focusedRoom(): string | null {
  const line = document.activeElement?.closest<HTMLElement>('[data-room]');
  return line?.dataset.room ?? null;
}
