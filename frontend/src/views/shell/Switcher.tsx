import { roomHash } from '../../browser/router';
import { useApp, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { RoomPicker } from '../parts/RoomPicker';

/** Goes to one of the user's rooms by a part of its name. */
export function Switcher({ onClose }: { onClose(): void }) {
  const { router } = useApp();
  const { rooms } = useSession();
  return (
    <Dialog title="Go to a room" onClose={onClose}>
      <RoomPicker
        rooms={rooms.sorted.value}
        hint="Enter opens it."
        onPick={({ id }) => {
          onClose();
          router.go(roomHash(id));
        }}
      />
    </Dialog>
  );
}
