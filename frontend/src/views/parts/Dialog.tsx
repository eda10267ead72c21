import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Icon } from './Icon';

// Of radio buttons, the chosen one is where a keyboard stands.
const FIELD =
  'form input:not([hidden], [type=radio]), form input[type=radio]:checked, form textarea';

interface DialogProps {
  title: string;
  onClose(): void;
  /** Goes back to the dialog that opened this one. */
  onBack?(): void;
  children: ComponentChildren;
}

/**
 * A modal dialog of the browser: it holds the focus, closes on Escape, and gives the focus back.
 */
export function Dialog({ title, onClose, onBack, children }: DialogProps) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  // Escape drops the word of an input method first. Not every browser takes that key from the dialog.
  const composing = useRef(false);
  useEffect(() => {
    const element = dialog.current;
    if (!element) return;
    const opener = document.activeElement;
    element.showModal();
    focusFirst(element, heading.current);
    return () => {
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
      class="dialog"
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
      onMouseDown={(event) => {
        if (event.target === dialog.current) onClose();
      }}
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

/** Moves the focus to the first field, or to the heading of a dialog that asks for nothing. */
function focusFirst(dialog: HTMLElement | null, heading: HTMLElement | null): void {
  const field = dialog?.querySelector<HTMLInputElement>(FIELD) ?? heading;
  field?.focus();
}
