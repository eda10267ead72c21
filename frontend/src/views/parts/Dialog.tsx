import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from './Icon';
import { NARROW } from './media';
import { useOutside } from './outside';

// Of radio buttons, the chosen one is where a keyboard stands.
const FIELD =
  'form input:not([hidden], [type=radio]), form input[type=radio]:checked, form textarea';

// Between a dialog and what opened it, and between a dialog and the edge of the window.
const GAP_PIXELS = 6;
const EDGE_PIXELS = 8;

interface DialogProps {
  title: string;
  onClose(): void;
  /** Goes back to the dialog that opened this one. */
  onBack?(): void;
  /** It opens beside what opened it, where the window has place for that. */
  beside?: boolean;
  children: ComponentChildren;
}

/**
 * A modal dialog of the browser: it holds the focus, closes on Escape, and gives the focus back.
 */
export function Dialog({ title, onClose, onBack, beside = false, children }: DialogProps) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  // Escape drops the word of an input method first. Not every browser takes that key from the dialog.
  const composing = useRef(false);
  const outside = useOutside(dialog, onClose);
  // At once: the next key is for the dialog.
  useLayoutEffect(() => {
    const element = dialog.current;
    if (!element) return;
    const opener = document.activeElement;
    element.showModal();
    if (beside && opener instanceof HTMLElement) place(element, opener);
    focusFirst(element, heading.current);
    return () => {
      // What was chosen in it may have closed it already, and moved the focus on.
      if (!element.open) return;
      element.close();
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  // The button that was pressed may be gone, so the focus moves to the beginning of the new page.
  useEffect(() => {
    if (!dialog.current?.contains(document.activeElement))
      focusFirst(dialog.current, heading.current);
  }, [title]);
  return (
    <dialog
      ref={dialog}
      class={beside ? 'dialog beside' : 'dialog'}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!composing.current) onClose();
      }}
      onCompositionStart={() => {
        composing.current = true;
      }}
      onCompositionEnd={() => {
        composing.current = false;
      }}
      {...outside}
    >
      <div class="dialog-content">
        <div class="dialog-head">
          {onBack && (
            <button
              type="button"
              class="icon-button dialog-back"
              aria-label="Back"
              onClick={onBack}
            >
              <Icon name="back" />
            </button>
          )}
          <h2 id={id} ref={heading} tabIndex={-1}>
            {title}
          </h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

/** Puts the dialog above or below `opener`, inside the window. On a phone the styles place it. */
function place(dialog: HTMLElement, opener: HTMLElement): void {
  if (window.matchMedia(NARROW).matches) return;
  const { top, bottom, right } = opener.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = dialog;
  const left = Math.min(right - offsetWidth, window.innerWidth - offsetWidth - EDGE_PIXELS);
  const above = top - offsetHeight - GAP_PIXELS;
  const y = above >= EDGE_PIXELS ? above : bottom + GAP_PIXELS;
  dialog.style.left = `${Math.max(EDGE_PIXELS, left)}px`;
  dialog.style.top = `${Math.max(EDGE_PIXELS, Math.min(y, window.innerHeight - offsetHeight - EDGE_PIXELS))}px`;
}

/** Moves the focus to the first field, or to the heading of a dialog that asks for nothing. */
function focusFirst(dialog: HTMLElement | null, heading: HTMLElement | null): void {
  const field = dialog?.querySelector<HTMLInputElement>(FIELD) ?? heading;
  field?.focus();
}
