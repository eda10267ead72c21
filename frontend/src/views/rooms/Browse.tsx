import { useEffect, useState } from 'preact/hooks';
import { ROOM_NAME_CHARACTERS } from 'tailwire-client/wire/limits';
import type { Room } from 'tailwire-client/wire/protocol';
import { roomHash } from '../../browser/router';
import { Directory } from '../../rooms/directory';
import { useApp, useSession } from '../parts/context';
import { Icon } from '../parts/Icon';
import { LoadFailure } from '../parts/LoadFailure';
import { MoreButton } from '../parts/MoreButton';
import { PlaceHead } from '../parts/PlaceHead';
import { SearchField } from '../parts/SearchField';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';

export function Browse() {
  const { clock, publicRooms } = useSession();
  const [directory] = useState(() => new Directory(publicRooms, clock));
  useEffect(() => directory.look('', true), [directory]);
  const rooms = directory.items.value;
  const state = directory.state.value;
  return (
    <section class="place">
      <PlaceHead>Public rooms</PlaceHead>
      <div class="browse">
        <SearchField
          label="Find public rooms by name"
          placeholder="Find by name"
          characters={ROOM_NAME_CHARACTERS}
          bare
          list={directory}
        />
        {state === 'failed' && (
          <LoadFailure error={directory.error.value} onAgain={() => void directory.load()} />
        )}
        <ul class="browse-list" aria-busy={state === 'loading'}>
          {rooms.map((room) => (
            <BrowseItem key={room.id} room={room} />
          ))}
        </ul>
        {state === 'loaded' && rooms.length === 0 && (
          <p class="browse-none">
            {directory.wanted
              ? 'No public room is called anything like that.'
              : 'There are no public rooms yet.'}
          </p>
        )}
        {state === 'loading' && rooms.length === 0 && <p class="browse-none">Loading rooms…</p>}
        <MoreButton list={directory}>Show more rooms</MoreButton>
      </div>
    </section>
  );
}

function BrowseItem({ room }: { room: Room }) {
  const { membership, rooms } = useSession();
  const { router } = useApp();
  const { error, run } = useWork();
  const joined = rooms.get(room.id) !== undefined;

  const join = async () => {
    if (await run(() => membership.join(room.id))) router.go(roomHash(room.id));
  };

  return (
    <li class="browse-item">
      <span class="room-mark">
        <Icon name="hash" size={18} />
      </span>
      <div class="browse-item-text">
        <h2 dir="auto">{room.name}</h2>
        {(error || room.topic) && <p dir="auto">{error || room.topic}</p>}
        {room.member_count != null && (
          <p>
            {room.member_count} {room.member_count === 1 ? 'member' : 'members'}
          </p>
        )}
      </div>
      {joined ? (
        <a class="button" href={roomHash(room.id)} aria-label={`Open ${room.name}`}>
          Open
        </a>
      ) : (
        <WorkButton
          class="button primary"
          label={`Join ${room.name}`}
          doing="Joining…"
          onPress={join}
        >
          Join
        </WorkButton>
      )}
    </li>
  );
}
