import { nameIn } from '../../browser/text';
import { rolesToGive } from '../../rooms/governing';
import { Problem } from '../../wire/problem';
import type { Room } from '../../wire/protocol';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { RoleChoice, roleIn } from './Role';

export function AddMember({ room, onClose }: { room: Room; onClose(): void }) {
  const { members, people } = useSession();
  const roles = rolesToGive(room);
  const known = new Set(members.of(room.id)?.members.map(({ user_id }) => user_id));
  const strangers = people.found.value.filter(({ id }) => !known.has(id));
  const form = useForm({
    names: ['username', 'role'],
    check: ({ username }) => wrongIf(!bare(username), 'username', 'Enter a username.'),
    send: async ({ username, role }) => {
      await members.add(room.id, bare(username), roleIn(roles, role)).catch(explained);
      onClose();
    },
  });
  return (
    <Dialog title="Add someone" onClose={onClose}>
      <FormCard
        form={form}
        send="Add to room"
        sending="Adding…"
        buttons={
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
        }
      >
        <Field
          label="Username"
          {...form.field('username')}
          onInput={(text) => people.look(bare(text))}
          hint="As they log in with it. Two letters are enough for suggestions."
          suggestions={strangers.map(({ username, display_name }) => ({
            value: username,
            label: display_name,
          }))}
          plain
        />
        <RoleChoice {...form.field('role')} roles={roles} initial="member" />
      </FormCard>
    </Dialog>
  );
}

/** Whoever adds somebody is not banned, so another is meant. */
function explained(reason: unknown): never {
  if (!(reason instanceof Problem) || reason.code !== 'banned') throw reason;
  const message = 'They are banned from this room. End the ban first.';
  throw new Problem({ status: 409, code: 'banned', errors: [{ loc: 'username', message }] });
}

function bare(text: string): string {
  return nameIn(text).replace(/^@/, '');
}
