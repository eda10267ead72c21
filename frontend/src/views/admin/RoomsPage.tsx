import { useEffect, useState } from 'preact/hooks';
import type { AdminRoom } from 'tailwire-client/wire/api/admin';
import { ROOM_NAME_CHARACTERS } from 'tailwire-client/wire/limits';
import { mediumTime } from '../../browser/time';
import { useAdmin } from '../parts/context';
import { Icon } from '../parts/Icon';
import { LoadFailure } from '../parts/LoadFailure';
import { useLoaded } from '../parts/loaded';
import { MoreButton } from '../parts/MoreButton';
import { SearchField } from '../parts/SearchField';
import { AdminRoomDialog } from './AdminRoomDialog';

/** All rooms of the server. Each opens a dialog with what can be done with it; that of `wanted` is open at first. */
export function RoomsPage({ wanted }: { wanted: string }) {
  const { api, rooms } = useAdmin();
  const [open, setOpen] = useState<string | null>(wanted || null);
  useEffect(() => rooms.look('', true), [rooms]);
  // The room that is wanted may stand on a later page of the list.
  const { value: alone } = useLoaded(
    async () => (wanted ? await api.room(wanted) : null),
    `room ${wanted}`,
  );
  const items = rooms.items.value;
  const state = rooms.state.value;
  const opened = items.find(({ id }) => id === open) ?? (alone?.id === open ? alone : undefined);
  return (
    <>
      <div class="admin-filters">
        <SearchField
          label="Find"
          placeholder="Any part of a name"
          characters={ROOM_NAME_CHARACTERS}
          list={rooms}
        />
      </div>
      {state === 'failed' && (
        <LoadFailure error={rooms.error.value} onAgain={() => void rooms.load()} />
      )}
      <ul class="admin-list" aria-label="Rooms" aria-busy={state === 'loading'}>
        {items.map((room) => (
          <li key={room.id}>
            <button type="button" class="admin-item" onClick={() => setOpen(room.id)}>
              <span class="room-mark">
                <Icon name={room.kind === 'direct' ? 'people' : markOf(room)} size={18} />
              </span>
              <span class="admin-item-text">
                <span class="admin-item-name">
                  <AdminRoomName room={room} />
                </span>
                <span class="admin-item-detail">
                  {sizeText(room)}, {useText(room)}
                </span>
              </span>
              {room.archived && <span class="role">archived</span>}
            </button>
          </li>
        ))}
      </ul>
      <p role="status" class="browse-none admin-count">
        {state === 'loading' && items.length === 0 && 'Loading…'}
        {state === 'loaded' && items.length === 0 && 'No room is called anything like that.'}
      </p>
      <MoreButton list={rooms}>Show more</MoreButton>
      {opened && <AdminRoomDialog room={opened} onClose={() => setOpen(null)} />}
    </>
  );
}

/** What a room is called: direct rooms have no name. */
export function AdminRoomName({ room }: { room: AdminRoom }) {
  return room.kind === 'direct' ? <>Direct room</> : <bdi>{room.name}</bdi>;
}

export function sizeText({ member_count }: AdminRoom): string {
  return member_count === 1 ? 'one member' : `${member_count} members`;
}

export function useText({ last_message_at }: AdminRoom): string {
  return last_message_at ? `last message ${mediumTime(last_message_at)}` : 'no messages yet';
}

function markOf({ visibility }: AdminRoom): 'hash' | 'lock' {
  return visibility === 'public' ? 'hash' : 'lock';
}
