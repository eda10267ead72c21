import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { onKeys } from '../../browser/keys';
import { NARROW } from './media';
import { useOutside } from './outside';

const ITEMS = '[role=menuitem]';
const MARGIN_PIXELS = 8;

interface MenuProps {
  label: string;
  /** The place of what was pressed. In a narrow window the menu is at the lower edge instead. */
  anchor: DOMRect;
  onClose(): void;
  /** A key that is no key of menus. */
  onKey?(event: KeyboardEvent): void;
  children: ComponentChildren;
}

/**
 * A menu of buttons with the role `menuitem`. The arrows move between them. It is a modal dialog of the
 * browser, so nothing covers it, it holds the focus, and Escape or a press elsewhere closes it.
 */
export function Menu({ label, anchor, onClose, onKey, children }: MenuProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const element = dialog.current;
    if (!element) return;
    const opener = document.activeElement;
    element.showModal();
    if (!window.matchMedia(NARROW).matches) place(element, anchor);
    element.querySelector<HTMLElement>(ITEMS)?.focus();
    return () => {
      element.close();
      if (opener instanceof HTMLElement && opener.isConnected)
        opener.focus({ preventScroll: true });
    };
  }, [anchor]);

  // The place was measured in another window.
  useEffect(() => {
    window.addEventListener('resize', onClose);
    return () => window.removeEventListener('resize', onClose);
  }, [onClose]);

  const outside = useOutside(dialog, onClose);
  const onKeyDown = onKeys((event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const items = [...(dialog.current?.querySelectorAll<HTMLElement>(ITEMS) ?? [])];
    const next = nextItem(items, event.key);
    if (next) next.focus();
    else if (event.key === 'Tab') onClose();
    else {
      onKey?.(event);
      return;
    }
    event.preventDefault();
  });

  return (
    <dialog
      ref={dialog}
      class="menu"
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      {...outside}
      onKeyDown={onKeyDown}
    >
      <div role="menu" aria-label={label} class="menu-items">
        {children}
      </div>
    </dialog>
  );
}

function nextItem(items: readonly HTMLElement[], key: string): HTMLElement | undefined {
  const here = items.indexOf(document.activeElement as HTMLElement);
  switch (key) {
    case 'ArrowDown':
    case 'ArrowRight':
      return items[(here + 1) % items.length];
    case 'ArrowUp':
    case 'ArrowLeft':
      return items.at(here <= 0 ? -1 : here - 1);
    case 'Home':
      return items[0];
    case 'End':
      return items.at(-1);
  }
}

/** Below what was pressed, or above it where there is more space, and within the window. */
function place(menu: HTMLElement, { top, bottom, left, right }: DOMRect): void {
  const { width, height } = menu.getBoundingClientRect();
  const { innerWidth, innerHeight } = window;
  const isRightToLeft = getComputedStyle(menu).direction === 'rtl';
  const x = isRightToLeft ? left : right - width;
  const fitsBelow = bottom + height + MARGIN_PIXELS <= innerHeight;
  const y = fitsBelow ? bottom : top - height;
  const within = (value: number, size: number, space: number) =>
    Math.max(MARGIN_PIXELS, Math.min(value, space - size - MARGIN_PIXELS));
  menu.style.left = `${within(x, width, innerWidth)}px`;
  menu.style.top = `${within(y, height, innerHeight)}px`;
}
