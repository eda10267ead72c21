import type { Room } from '../../wire/protocol';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Hooks } from './Hooks';
import { Webhooks } from './Webhooks';

/** Which programs are connected with a room. Every member sees them. */
export function Integrations({ room, onClose }: { room: Room; onClose(): void }) {
  const { features } = useSession();
  return (
    <Dialog title="Integrations" onClose={onClose}>
      {features.value.has('hooks') && <Hooks room={room} />}
      {features.value.has('webhooks') && <Webhooks room={room} />}
    </Dialog>
  );
}
