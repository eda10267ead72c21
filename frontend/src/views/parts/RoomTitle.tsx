import type { Room } from 'tailwire-client/wire/protocol';
import { useSession } from './context';

/** What a room is called. It is drawn again when somebody of a direct room has another name. */
export function RoomTitle({ room }: { room: Pick<Room, 'name' | 'kind' | 'users'> }) {
  return <>{useSession().titles.of(room)}</>;
}
