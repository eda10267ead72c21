import type { ComponentChildren, RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

interface WorkButtonProps {
  class: string;
  /** What screen readers say, where the words on the button are not enough. */
  label?: string | undefined;
  /** It cannot be pressed, whatever is being done. */
  disabled?: boolean;
  /** The words on the button while its work is being done. */
  doing?: string;
  /** What takes the focus when the work takes the focused button away. */
  heir?: RefObject<HTMLElement | null>;
  /** The work. Where it is a promise, the button takes no other press until that is settled. */
  onPress(button: HTMLButtonElement): unknown;
  children: ComponentChildren;
}

/**
 * A button that starts work. It is seen to be busy with its own work only, and it keeps the focus
 * meanwhile, which a disabled button loses.
 */
export function WorkButton(props: WorkButtonProps) {
  const { onPress, heir } = props;
  const button = useRef<HTMLButtonElement>(null);
  // It may be pressed twice before the next rendering, so this is no state.
  const working = useRef(false);
  const [busy, setBusy] = useState(false);
  useLayoutEffect(
    () => () => {
      if (button.current && button.current === document.activeElement) heir?.current?.focus();
    },
    [heir],
  );
  const settle = (now: boolean) => {
    working.current = now;
    setBusy(now);
  };
  const press = (element: HTMLButtonElement) => {
    if (working.current) return;
    const work = onPress(element);
    if (!(work instanceof Promise)) return;
    settle(true);
    const end = () => settle(false);
    work.then(end, end);
  };
  return (
    <button
      ref={button}
      type="button"
      class={props.class}
      aria-label={props.label}
      aria-busy={busy}
      aria-disabled={busy}
      disabled={props.disabled}
      onClick={({ currentTarget }) => press(currentTarget)}
    >
      {busy ? (props.doing ?? props.children) : props.children}
    </button>
  );
}
