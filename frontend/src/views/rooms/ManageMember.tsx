import { useState } from 'preact/hooks';
import { canRemove, rolesToGive } from '../../rooms/permissions';
import type { Member, Room } from '../../wire/protocol';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { RoleChoice, roleIn } from './Role';

interface ManageMemberProps {
  room: Room;
  member: Member;
  onClose(): void;
}

/** Changes a member's role, or removes the member after a second question. */
export function ManageMember({ room, member, onClose }: ManageMemberProps) {
  const { names } = useSession();
  const [removing, setRemoving] = useState(false);
  const name = names.of(member);
  return (
    <Dialog title={removing ? `Remove ${name}?` : name} onClose={onClose}>
      {removing ? (
        <Removal room={room} member={member} onClose={onClose} onBack={() => setRemoving(false)} />
      ) : (
        <ChangeRole
          room={room}
          member={member}
          onClose={onClose}
          onRemove={() => setRemoving(true)}
        />
      )}
    </Dialog>
  );
}

function ChangeRole({ room, member, onClose, onRemove }: ManageMemberProps & { onRemove(): void }) {
  const { members, user_id: me } = useSession();
  const roles = rolesToGive(room);
  const form = useForm({
    names: ['role'],
    send: async (fields) => {
      const role = roleIn(roles, fields.role);
      if (role !== member.role) await members.setRole(room.id, member.user_id, role);
      onClose();
    },
  });
  return (
    <FormCard
      form={form}
      send="Save role"
      sending="Saving…"
      buttons={
        canRemove(room, member, me) && (
          <button type="button" class="button danger apart" onClick={onRemove}>
            Remove…
          </button>
        )
      }
    >
      <RoleChoice {...form.field('role')} roles={roles} initial={member.role} />
    </FormCard>
  );
}

function Removal({ room, member, onClose, onBack }: ManageMemberProps & { onBack(): void }) {
  const { members } = useSession();
  const form = useForm({
    names: [],
    send: async () => {
      await members.remove(room.id, member.user_id);
      onClose();
    },
  });
  return (
    <FormCard
      form={form}
      send="Remove from room"
      sending="Removing…"
      danger
      buttons={
        <button type="button" class="button" onClick={onBack}>
          Back
        </button>
      }
    >
      <p>
        {room.visibility === 'private'
          ? 'They see nothing more of this room until somebody adds them again.'
          : 'They can join this room again, as everyone can.'}
      </p>
    </FormCard>
  );
}
