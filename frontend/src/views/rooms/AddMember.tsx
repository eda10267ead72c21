import { useState } from 'preact/hooks';
import { rolesToGive } from '../../rooms/permissions';
import type { Role, Room } from '../../wire/protocol';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { RoleChoice } from './Role';

export function AddMember({ room, onClose }: { room: Room; onClose(): void }) {
  const { members, people } = useSession();
  const [username, setUsername] = useState('');
  const [role, setRole] = useState<Role>('member');
  const name = bare(username);
  const known = new Set(members.of(room.id)?.members.map(({ user_id }) => user_id));
  const strangers = people.found.value.filter(({ id }) => !known.has(id));
  const form = useForm({
    names: ['username'],
    check: () => (name ? [] : [{ loc: 'username', message: 'Enter a username.' }]),
    send: async () => {
      await members.add(room.id, name, role);
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
          value={username}
          onInput={(text) => {
            setUsername(text);
            people.look(bare(text));
          }}
          hint="As they log in with it. Two letters are enough for suggestions."
          suggestions={strangers.map(({ username, display_name }) => ({
            value: username,
            label: display_name,
          }))}
          plain
        />
        <RoleChoice roles={rolesToGive(room)} chosen={role} onChoose={setRole} />
      </FormCard>
    </Dialog>
  );
}

function bare(text: string): string {
  return text.trim().replace(/^@/, '');
}
