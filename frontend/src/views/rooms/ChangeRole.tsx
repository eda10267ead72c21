import { canBan, canRemove, rolesToGive } from '../../rooms/governing';
import { useSession } from '../parts/context';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import type { PersonProps } from './PersonDialog';
import { RoleChoice, roleIn } from './Role';

/** Changes a member's role, and leads to removal. */
export function ChangeRole({ room, profile, member, onPage, onClose }: PersonProps) {
  const { features, members, user_id: me } = useSession();
  const roles = rolesToGive(room);
  const form = useForm({
    names: ['role'],
    send: async (fields) => {
      const role = roleIn(roles, fields.role);
      if (role !== member?.role) await members.setRole(room.id, profile.id, role);
      onClose();
    },
  });
  if (!member) return <p>They are not a member of this room any more.</p>;
  return (
    <FormCard
      form={form}
      send="Save role"
      sending="Saving…"
      buttons={
        canRemove(room, member, me) && (
          <>
            <button type="button" class="button danger" onClick={() => onPage('remove')}>
              Remove…
            </button>
            {features.value.has('bans') && canBan(room) && (
              <button type="button" class="button danger" onClick={() => onPage('ban')}>
                Ban…
              </button>
            )}
            <span class="apart" />
          </>
        )
      }
    >
      <RoleChoice {...form.field('role')} roles={roles} initial={member.role} />
    </FormCard>
  );
}
