import { LOBBY, type Room } from 'tailwire-client/wire/protocol';
import { mayInvite, rolesToGive } from '../../rooms/governing';
import { useSession } from '../parts/context';
import { Icon } from '../parts/Icon';
import { InviteToServer } from './InviteToServer';
import type { AboutRoom } from './RoomMenu';

interface WelcomeProps {
  room: Room;
  onOpen(what: AboutRoom): void;
}

/**
 * What whoever may bring people into a room is offered at its beginning. The Tab key passes it by: it would scroll away
 * from the messages, and the menu of the room and the list of members offer the same.
 */
export function Welcome({ room, onOpen }: WelcomeProps) {
  const { features } = useSession();
  if (room.kind === 'direct' || room.archived) return null;
  if (room.id === LOBBY) return <InviteToServer tabIndex={-1} />;
  const canAdd = rolesToGive(room).length > 0;
  const canInvite = mayInvite(room, features.value);
  return (
    <p class="welcome">
      {canAdd && (
        <button type="button" class="button" tabIndex={-1} onClick={() => onOpen('add')}>
          <Icon name="plus" size={18} />
          Add people
        </button>
      )}
      {canInvite && (
        <button type="button" class="button" tabIndex={-1} onClick={() => onOpen('invite')}>
          <Icon name="link" size={18} />
          Invite by a link
        </button>
      )}
    </p>
  );
}
