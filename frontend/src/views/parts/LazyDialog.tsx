import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';
import { Lazy } from '../../browser/lazy';
import { Dialog } from './Dialog';
import { LoadFailure } from './LoadFailure';

interface LazyDialogProps<T> {
  title: string;
  /** Loads the part of the page that has the dialog. */
  load(): Promise<T>;
  show(part: T): ComponentChild;
  onClose(): void;
}

/** A dialog that is loaded when it is first opened. Until then an empty one with its title is shown. */
export function LazyDialog<T>({ title, load, show, onClose }: LazyDialogProps<T>) {
  const [lazy] = useState(() => new Lazy(load));
  const part = lazy.value;
  if (part) return <>{show(part)}</>;
  return (
    <Dialog title={title} onClose={onClose}>
      {lazy.failed.value ? (
        <LoadFailure error="This cannot be loaded." onAgain={() => lazy.again()} />
      ) : (
        <p role="status">Loading…</p>
      )}
    </Dialog>
  );
}
