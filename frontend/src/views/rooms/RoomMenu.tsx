import type { Room } from 'tailwire-client/wire/protocol';
import { LOBBY } from 'tailwire-client/wire/protocol';
import { copyText } from '../../browser/clipboard';
import { roomHash } from '../../browser/router';
import { canBan, mayDelete, mayInvite, settingsToChange } from '../../rooms/governing';
import { searchHash } from '../../rooms/query';
import { useApp, useSession } from '../parts/context';
import { Icon, type IconName } from '../parts/Icon';
import { Menu } from '../parts/Menu';
import { AddMember } from './AddMember';
import { BansDialog } from './BansDialog';
import { DeleteRoom } from './DeleteRoom';
import { Integrations } from './Integrations';
import { InvitePeople } from './InvitePeople';
import { LeaveRoom } from './LeaveRoom';
import { RoomFiles } from './RoomFiles';
import { RoomNotices } from './RoomNotices';
import { RoomSettingsDialog } from './RoomSettingsDialog';

/** What is open about a room. */
export type AboutRoom =
  | 'menu'
  | 'add'
  | 'settings'
  | 'files'
  | 'invite'
  | 'notices'
  | 'bans'
  | 'integrations'
  | 'leave'
  | 'delete';

interface Item {
  what: AboutRoom | 'link' | 'search';
  text: string;
  icon: IconName;
  isDanger?: boolean;
  isOffered(room: Room, features: ReadonlySet<string>): boolean;
}

const ITEMS: readonly Item[] = [
  {
    ...{ what: 'search', text: 'Search in this room', icon: 'search' },
    isOffered: (_, features) => features.has('search'),
  },
  {
    ...{ what: 'settings', text: 'Room settings', icon: 'pencil' },
    isOffered: (room, features) =>
      features.has('room_settings') && settingsToChange(room).length > 0,
  },
  {
    ...{ what: 'notices', text: 'Notifications', icon: 'bell' },
    isOffered: (_, features) => features.has('notifications'),
  },
  {
    ...{ what: 'files', text: 'Files', icon: 'list' },
    isOffered: (_, features) => features.has('files'),
  },
  { ...{ what: 'invite', text: 'Invite people', icon: 'link' }, isOffered: mayInvite },
  {
    ...{ what: 'bans', text: 'Banned people', icon: 'people' },
    isOffered: (room, features) => features.has('bans') && canBan(room),
  },
  {
    ...{ what: 'integrations', text: 'Integrations', icon: 'code' },
    isOffered: ({ kind }, features) => features.has('hooks') && kind !== 'direct',
  },
  { ...{ what: 'link', text: 'Copy link to the room', icon: 'copy' }, isOffered: () => true },
  {
    ...{ what: 'leave', text: 'Leave this room', icon: 'leave' },
    isOffered: ({ id, kind }) => id !== LOBBY && kind !== 'direct',
  },
  {
    ...{ what: 'delete', text: 'Delete this room', icon: 'bin', isDanger: true },
    isOffered: (room, features) => features.has('room_settings') && mayDelete(room),
  },
];

interface RoomDialogsProps {
  room: Room;
  what: AboutRoom;
  /** The place of the button that opened the menu. */
  anchor: DOMRect;
  onOpen(what: AboutRoom): void;
  onClose(): void;
}

/** The menu of a room, or the dialog that was chosen in it. */
export function RoomDialogs({ room, what, anchor, onOpen, onClose }: RoomDialogsProps) {
  switch (what) {
    case 'menu':
      return <RoomMenu {...{ room, anchor, onOpen, onClose }} />;
    case 'add':
      return <AddMember room={room} onClose={onClose} />;
    case 'settings':
      return <RoomSettingsDialog room={room} onClose={onClose} />;
    case 'notices':
      return <RoomNotices room={room} onClose={onClose} />;
    case 'files':
      return <RoomFiles room={room} onClose={onClose} />;
    case 'invite':
      return <InvitePeople room={room} onClose={onClose} />;
    case 'bans':
      return <BansDialog room={room} onClose={onClose} />;
    case 'integrations':
      return <Integrations room={room} onClose={onClose} />;
    case 'leave':
      return <LeaveRoom room={room} onClose={onClose} />;
    case 'delete':
      return <DeleteRoom room={room} onClose={onClose} />;
  }
}

function RoomMenu({ room, anchor, onOpen, onClose }: Omit<RoomDialogsProps, 'what'>) {
  const { features, titles } = useSession();
  const { router } = useApp();
  const choose = (what: Item['what']) => {
    if (what === 'search') return router.go(searchHash('', room.id));
    if (what !== 'link') return onOpen(what);
    void copyText(new URL(roomHash(room.id), window.location.href).href);
    onClose();
  };
  return (
    <Menu label={`More about ${titles.of(room)}`} anchor={anchor} onClose={onClose}>
      {ITEMS.filter(({ isOffered }) => isOffered(room, features.value)).map(
        ({ what, text, icon, isDanger }) => (
          <button
            key={what}
            type="button"
            role="menuitem"
            class={isDanger ? 'menu-item danger' : 'menu-item'}
            onClick={() => choose(what)}
          >
            <Icon name={icon} size={18} />
            <span class="menu-text">{text}</span>
          </button>
        ),
      )}
    </Menu>
  );
}
