import { useState } from 'preact/hooks';
import type { Place, Room } from 'tailwire-client/wire/protocol';
import { nameIn } from '../../browser/text';
import { mayInvite } from '../../rooms/governing';
import { Places, SECTION_CHARACTERS } from '../../rooms/places';
import { placeOf } from '../../rooms/room_list';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { Icon, type IconName } from '../parts/Icon';
import { Menu } from '../parts/Menu';
import { InvitePeople } from './InvitePeople';
import { RoomNotices } from './RoomNotices';

interface PlaceMenuProps {
  room_id: string;
  /** The place of its line in the list. */
  anchor: DOMRect;
  onClose(): void;
}

/** What can be done with a room in the list: where it stands there, what is told of it, and who is invited to it. */
export function PlaceMenu({ room_id, anchor, onClose }: PlaceMenuProps) {
  const session = useSession();
  const [step, setStep] = useState<'menu' | 'section' | 'invite' | 'notices'>('menu');
  const room = session.rooms.get(room_id);
  if (!room) return null;
  if (step === 'section') return <ChooseSection room={room} onClose={onClose} />;
  if (step === 'notices') return <RoomNotices room={room} onClose={onClose} />;
  if (step === 'invite') return <InvitePeople room={room} onClose={onClose} />;

  const { favourite, hidden } = placeOf(room);
  const put = (change: Partial<Place>) => {
    onClose();
    void new Places(session).set(room, change);
  };
  return (
    <Menu label={session.titles.of(room)} anchor={anchor} onClose={onClose}>
      {Boolean(room.unread_count) && (
        <Item
          icon="unread"
          text="Mark as read"
          onClick={() => {
            onClose();
            session.reading.readAll(room_id);
          }}
        />
      )}
      <Item
        icon="star"
        text={favourite ? 'Remove from favourites' : 'Add to favourites'}
        onClick={() => put({ favourite: !favourite })}
      />
      <Item icon="list" text="Move to a section…" onClick={() => setStep('section')} />
      {session.features.value.has('notifications') && (
        <Item icon="bell" text="Notifications…" onClick={() => setStep('notices')} />
      )}
      {mayInvite(room, session.features.value) && (
        <Item icon="link" text="Invite people…" onClick={() => setStep('invite')} />
      )}
      <Item
        icon="eye"
        text={hidden ? 'Show in the list' : hideText(room)}
        onClick={() => put({ hidden: !hidden })}
      />
    </Menu>
  );
}

function hideText({ kind }: Room): string {
  return kind === 'direct' ? 'Hide until the next message' : 'Hide from the list';
}

function Item({ icon, text, onClick }: { icon: IconName; text: string; onClick(): void }) {
  return (
    <button type="button" role="menuitem" class="menu-item" onClick={onClick}>
      <Icon name={icon} size={18} />
      <span class="menu-text">{text}</span>
    </button>
  );
}

function ChooseSection({ room, onClose }: { room: Room; onClose(): void }) {
  const session = useSession();
  const { roomList, titles } = session;
  const form = useForm({
    names: ['section'],
    limits: { section: SECTION_CHARACTERS },
    send: async ({ section }) => {
      onClose();
      await new Places(session).set(room, { section: nameIn(section) || null });
    },
  });
  return (
    <Dialog title={`Section of ${titles.of(room)}`} onClose={onClose}>
      <FormCard
        form={form}
        send="Move"
        sending="Moving…"
        buttons={
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
        }
      >
        <Field
          label="Section"
          {...form.field('section')}
          initial={placeOf(room).section ?? ''}
          hint="A new name makes a new section. Without a name the room is in none."
          suggestions={roomList.sections.value.map((value) => ({ value, label: value }))}
          optional
        />
      </FormCard>
    </Dialog>
  );
}
