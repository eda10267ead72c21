import { useMemo } from 'preact/hooks';
import type { Room } from 'tailwire-client/wire/protocol';
import { RoomChanges } from '../../rooms/room_changes';
import { ByName } from '../parts/ByName';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';

/** Asks whether the user really deletes the room. */
export function DeleteRoom({ room, onClose }: { room: Room; onClose(): void }) {
  const { publicRooms, rooms } = useSession();
  const changes = useMemo(() => new RoomChanges(publicRooms, rooms), [publicRooms, rooms]);
  return (
    <Dialog title="Delete this room?" onClose={onClose}>
      <ByName
        name={room.name}
        send="Delete the room"
        sending="Deleting…"
        danger
        onBack={onClose}
        onSend={() => changes.delete(room.id)}
      >
        <p>
          All that was written in it is erased for everybody, and cannot be brought back. Where it
          only shall rest, archive it in its settings instead.
        </p>
      </ByName>
    </Dialog>
  );
}
