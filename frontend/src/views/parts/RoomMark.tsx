import type { Room } from 'tailwire-client/wire/protocol';
import { Avatar, Face } from './Avatar';
import { useSession } from './context';
import { Icon } from './Icon';
import { OnlineDot } from './OnlineDot';

/** The sign before the name of a room: what kind of room it is, or who is in a direct room. Words beside it say the same. */
export function RoomMark({
  room,
}: {
  room: Pick<Room, 'kind' | 'users' | 'visibility' | 'avatar'>;
}) {
  const { titles } = useSession();
  const [first, second] = room.kind === 'direct' ? titles.others(room) : [];
  if (!first)
    return (
      <span class="room-mark">
        <Icon name={markOf(room)} size={18} />
        <Face avatar={room.avatar} />
      </span>
    );
  return (
    <span class={second ? 'room-mark faces two' : 'room-mark faces'}>
      <Avatar {...first} />
      {second ? <Avatar {...second} /> : <OnlineDot user_id={first.id} />}
    </span>
  );
}

function markOf({ kind, visibility }: Pick<Room, 'kind' | 'visibility'>) {
  if (kind === 'direct') return 'people';
  return visibility === 'private' ? 'lock' : 'hash';
}
