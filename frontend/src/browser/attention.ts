import { type ReadonlySignal, signal } from '@preact/signals';

/** Whether this window is in front and has the keyboard: only then is something read. */
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
