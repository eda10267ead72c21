import type { ComponentProps } from 'preact';
import { useState } from 'preact/hooks';
import { WorkButton } from './WorkButton';

interface SureButtonProps extends ComponentProps<typeof WorkButton> {
  /** The words on the button when it asks. */
  sure: string;
}

/** A button for what cannot be undone. The first press asks, and the second does it. Leaving it takes the question back. */
export function SureButton({ sure, onPress, children, ...props }: SureButtonProps) {
  const [asks, setAsks] = useState(false);
  const label = props.label && asks ? `${sure} ${props.label}` : props.label;
  return (
    <span onFocusOut={() => setAsks(false)}>
      <WorkButton
        {...props}
        class={asks ? `${props.class} danger` : props.class}
        label={label}
        onPress={(button) => {
          if (asks) return onPress(button);
          setAsks(true);
          return undefined;
        }}
      >
        {asks ? sure : children}
      </WorkButton>
    </span>
  );
}
