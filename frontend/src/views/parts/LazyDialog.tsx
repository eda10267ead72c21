import type { ComponentChild } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { insertText } from '../../browser/field';
import { onKeys } from '../../browser/keys';
import { useApp } from './context';
import { Dialog } from './Dialog';
import { LoadFailure } from './LoadFailure';

interface LazyDialogProps<T> {
  open: boolean;
  title: string;
  /** Loads the part of the page that has the dialog. */
  load(): Promise<T>;
  show(part: T): ComponentChild;
  onClose(): void;
  /** As in `Dialog`. */
  beside?: boolean;
}

/**
 * A dialog that is no part of the first load. It is loaded soon after, and where it is opened before that, an empty
 * dialog with its title is shown. What is typed meanwhile is put into its first field.
 */
export function LazyDialog<T>({ open, load, ...props }: LazyDialogProps<T>) {
  const part = useApp().parts.of(load);
  return open ? (
    <Opened {...props} value={part.value} failed={part.failed.value} onAgain={() => part.again()} />
  ) : null;
}

interface OpenedProps<T> extends Omit<LazyDialogProps<T>, 'open' | 'load'> {
  value: T | null;
  failed: boolean;
  onAgain(): void;
}

function Opened<T>({ value, failed, title, show, onClose, onAgain, beside }: OpenedProps<T>) {
  useTyped(value === null);
  if (value) return <>{show(value)}</>;
  return (
    <Dialog title={title} onClose={onClose} beside={beside ?? false}>
      {failed ? (
        <LoadFailure error="This cannot be loaded." onAgain={onAgain} />
      ) : (
        <p role="status">Loading…</p>
      )}
    </Dialog>
  );
}

/** Keeps the letters that are typed while there is no field yet, and then writes them into the one with the focus. */
function useTyped(isLoading: boolean): void {
  const typed = useRef('');
  // As early as the dialog gives its field the focus, or a letter would come before those that were kept.
  useLayoutEffect(() => {
    const field = document.activeElement;
    if (!isLoading) {
      if (typed.current && field instanceof HTMLInputElement) insertText(field, typed.current);
      typed.current = '';
      return;
    }
    const onKey = onKeys((event) => {
      const { key, altKey, ctrlKey, metaKey } = event;
      if (altKey || ctrlKey || metaKey) return;
      if (key === 'Backspace') typed.current = typed.current.slice(0, -1);
      else if ([...key].length === 1) typed.current += key;
    });
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [isLoading]);
}
