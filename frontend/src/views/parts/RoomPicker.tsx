import type { Room } from 'tailwire-client/wire/protocol';
import { fitting, namesOf } from '../../rooms/finding';
import { useSession } from './context';
import { Picker } from './Picker';
import { RoomMark } from './RoomMark';
import { RoomTitle } from './RoomTitle';

const MOST_SHOWN = 8;

interface RoomPickerProps {
  rooms: readonly Room[];
  /** What the Enter key does. */
  hint: string;
  onPick(room: Room): void;
}

/** Finds one of some rooms by a part of its name. */
export function RoomPicker({ rooms, hint, onPick }: RoomPickerProps) {
  const { titles } = useSession();
  return (
    <Picker
      label="Name of the room"
      listLabel="Rooms"
      itemsFor={(text) =>
        fitting(rooms, text, (room) => namesOf(room, titles)).slice(0, MOST_SHOWN)
      }
      keyOf={({ id }) => id}
      show={(room) => (
        <>
          <RoomMark room={room} />
          <bdi>
            <RoomTitle room={room} />
          </bdi>
        </>
      )}
      hint={() => hint}
      none={() => 'None of your rooms is called so.'}
      onPick={onPick}
    />
  );
}
