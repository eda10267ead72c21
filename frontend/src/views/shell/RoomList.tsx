import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { isMuted } from '../../rooms/level';
import { type Group, keyOf } from '../../rooms/room_list';
import { useApp, useSession } from '../parts/context';
import { Icon, type IconName } from '../parts/Icon';
import { LazyDialog } from '../parts/LazyDialog';
import { loadRoomViews } from '../rooms/load';
import { RoomItem } from '../rooms/RoomItem';
import { useLineFocus } from './line_focus';
import { loadDialogs } from './load';

/** What is open over the list: a dialog, or the menu of a room. */
type Open = 'create' | 'direct' | { room_id: string; anchor: DOMRect } | { section: string } | null;

const TITLES = {
  favourites: 'Favourites',
  section: '',
  rooms: 'Rooms',
  direct: 'Direct messages',
  hidden: 'Hidden',
};

/** The user's rooms in their groups, and a field that finds one of them. */
export function RoomList() {
  const { features, roomList, rooms } = useSession();
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  const { Filter, HiddenRooms, PlaceError } = useApp().parts.of(loadDialogs).loaded ?? {};
  const hasDirect = features.value.has('direct');
  const onMenu = useCallback((room_id: string, anchor: DOMRect) => {
    setOpen({ room_id, anchor });
  }, []);
  const isLoaded = rooms.loaded.value;
  const isFiltered = roomList.isFiltered.value;
  const groups = roomList.groups.value.filter(
    ({ kind, folded, rooms }) =>
      rooms.length > 0 || folded || (!isFiltered && (kind !== 'direct' || hasDirect)),
  );
  const menu = open !== null && typeof open === 'object' && 'room_id' in open ? open : null;
  const renamed = open !== null && typeof open === 'object' && 'section' in open ? open : null;
  useWatched();
  useLineFocus(menu?.room_id ?? null);
  return (
    <>
      <div class="room-filter">{Filter && isLoaded && <Filter />}</div>
      {PlaceError && <PlaceError />}
      {!isLoaded && <Missing />}
      {isLoaded && groups.length === 0 && (
        <p class="room-list-note" role="status">
          None of your rooms is like that.
        </p>
      )}
      {isLoaded &&
        groups.map((group) => (
          <RoomGroup key={keyOf(group)} group={group} onMenu={onMenu}>
            {group.kind === 'rooms' && (
              <HeadButton icon="plus" label="Create a room" onClick={() => setOpen('create')} />
            )}
            {group.kind === 'section' && (
              <HeadButton
                icon="pencil"
                label={`Rename the section ${group.section}`}
                onClick={() => setOpen({ section: group.section })}
              />
            )}
            {group.kind === 'direct' && hasDirect && (
              <HeadButton icon="plus" label="Write to people" onClick={() => setOpen('direct')} />
            )}
          </RoomGroup>
        ))}
      {HiddenRooms && <HiddenRooms />}
      <LazyDialog
        title="Create a room"
        open={open === 'create'}
        load={loadRoomViews}
        show={({ CreateRoom }) => <CreateRoom onClose={close} />}
        onClose={close}
      />
      <LazyDialog
        title="Write to people"
        open={open === 'direct'}
        load={loadRoomViews}
        show={({ NewDirect }) => <NewDirect onClose={close} />}
        onClose={close}
      />
      <LazyDialog
        title="Rename the section"
        open={renamed !== null}
        load={loadRoomViews}
        show={({ RenameSection }) => renamed && <RenameSection {...renamed} onClose={close} />}
        onClose={close}
      />
      <LazyDialog
        title="Place of this room"
        open={menu !== null}
        load={loadRoomViews}
        show={({ PlaceMenu }) => menu && <PlaceMenu {...menu} onClose={close} />}
        onClose={close}
      />
    </>
  );
}

interface RoomGroupProps {
  group: Group;
  /** As in `RoomItem`. */
  onMenu(room_id: string, anchor: DOMRect): void;
  children: ComponentChildren;
}

/** Asks who is online of those with whom the user has a room of two that is in the list. */
function useWatched(): void {
  const { presence, roomList, titles } = useSession();
  const pairs = roomList.order.value.map((room) => titles.others(room)).filter(isOne);
  const ids = pairs.flat().map(({ id }) => id);
  const key = ids.sort().join(' ');
  useEffect(() => (key ? presence.show(key.split(' ')) : undefined), [presence, key]);
}

function isOne({ length }: readonly unknown[]): boolean {
  return length === 1;
}

function RoomGroup({ group, onMenu, children }: RoomGroupProps) {
  const { drafts, news, roomList } = useSession();
  const { now, router } = useApp();
  const route = router.route.value;
  const { kind, section, folded, rooms } = group;
  return (
    <section>
      <div class="sidebar-title">
        <h2 dir="auto">
          <button
            type="button"
            class="group-fold"
            aria-expanded={!folded}
            onClick={() => roomList.fold(group, !folded)}
          >
            <Icon name="fold" size={16} />
            {section || TITLES[kind]}
          </button>
        </h2>
        {children}
      </div>
      {rooms.length === 0 && !folded && (
        <p class="room-list-note">
          {kind === 'rooms'
            ? 'There is no room here. Browse or create one.'
            : 'No direct messages yet.'}
        </p>
      )}
      <ul class="room-list">
        {rooms.map((room) => (
          <RoomItem
            key={room.id}
            room={room}
            today={now.today.value}
            muted={isMuted(room, now.minute.value)}
            draft={drafts.has(room.id)}
            added={news.of(room.id)?.what === 'added'}
            current={route.name === 'room' && route.id === room.id}
            onMenu={onMenu}
          />
        ))}
      </ul>
    </section>
  );
}

function HeadButton(props: { icon: IconName; label: string; onClick(): void }) {
  const { icon, label, onClick } = props;
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}

/** What stands where the rooms are not loaded yet. */
function Missing() {
  const { failed } = useSession().rooms;
  return (
    <div class="room-list" aria-busy="true">
      {failed.value ? (
        <p class="room-list-note" role="status">
          Your rooms cannot be loaded. Trying again…
        </p>
      ) : (
        <>
          <p class="visually-hidden">Loading your rooms</p>
          {[0, 1, 2, 3].map((line) => (
            <div class="skeleton-room" key={line}>
              <span class="skeleton block" />
              <span class="skeleton-lines">
                <span class="skeleton line short" />
                <span class="skeleton line" />
              </span>
            </div>
          ))}
        </>
      )}
    </div>
  );
}
