import { type ReadonlySignal, signal } from '@preact/signals';

/** Whether this window has the focus. Messages count as read only then. */
export function watchFocus(window: Window): ReadonlySignal<boolean> {
  const { document } = window;
  const look = () => document.visibilityState === 'visible' && document.hasFocus();
  const focused = signal(look());
  const update = () => {
    focused.value = look();
  };
  window.addEventListener('focus', update);
  window.addEventListener('blur', update);
  document.addEventListener('visibilitychange', update);
  return focused;
}

/** Whether the page can be seen. It may be beside the window that has the focus. */
export function watchVisibility(document: Document): ReadonlySignal<boolean> {
  const look = () => document.visibilityState === 'visible';
  const visible = signal(look());
  document.addEventListener('visibilitychange', () => {
    visible.value = look();
  });
  return visible;
}
