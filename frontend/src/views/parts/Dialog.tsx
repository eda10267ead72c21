import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Icon } from './Icon';

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
  // The button that was pressed may be gone, so the focus moves to the beginning of the new page.
  useEffect(() => {
    if (!dialog.current?.contains(document.activeElement)) heading.current?.focus();
  }, [title]);
  // Escape drops the word of an input method first. Not every browser takes that key from the dialog.
  const composing = useRef(false);
  useEffect(() => {
    const element = dialog.current;
    if (!element) return;
    const opener = document.activeElement;
    element.showModal();
    return () => {
      element.close();
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
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
        <header class="dialog-head">
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
        </header>
        {children}
      </div>
    </dialog>
  );
}
