import { useState } from 'preact/hooks';
import { Lazy } from '../../browser/lazy';
import { Dialog } from '../parts/Dialog';
import { LoadFailure } from '../parts/LoadFailure';
import type { PinsProps } from './Pins';

/** The pinned messages of a room, in a dialog that is loaded when it is first opened. */
export function PinsDialog(props: PinsProps) {
  const [lazy] = useState(() => new Lazy(() => import('./Pins')));
  const Pins = lazy.value?.Pins;
  return (
    <Dialog title="Pinned messages" onClose={props.onClose}>
      {Pins && <Pins {...props} />}
      {lazy.failed.value && (
        <LoadFailure error="The pinned messages cannot be loaded." onAgain={() => lazy.again()} />
      )}
    </Dialog>
  );
}
