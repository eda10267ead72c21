import type { ComponentChild } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { useApp } from './context';
import { LoadFailure } from './LoadFailure';

interface LazyPlaceProps<T> {
  title: string;
  /** Loads the part of the page that has the place. */
  load(): Promise<T>;
  show(part: T): ComponentChild;
}

/** What stands beside the list of rooms and is no part of the first load. Until it is loaded, its title is shown. */
export function LazyPlace<T>({ title, load, show }: LazyPlaceProps<T>) {
  const part = useApp().parts.of(load);
  const heading = useRef<HTMLHeadingElement>(null);
  const value = part.value;
  const hadFocus = heading.current !== null && heading.current === document.activeElement;
  useLayoutEffect(() => {
    // The heading that had the focus is gone.
    if (value && hadFocus) document.querySelector<HTMLElement>('[data-place-heading]')?.focus();
  }, [value]);
  if (value) return <>{show(value)}</>;
  return (
    <section class="empty">
      <h1 ref={heading} tabIndex={-1} data-place-heading>
        {title}
      </h1>
      {part.failed.value ? (
        <LoadFailure error="This cannot be loaded." onAgain={() => part.again()} />
      ) : (
        <p role="status">Loading…</p>
      )}
    </section>
  );
}
