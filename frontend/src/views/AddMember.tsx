import { useState } from 'preact/hooks';
import { rolesToGive } from '../permissions';
import type { Role, Room } from '../protocol';
import { FormError } from './AuthScreen';
import { useSession } from './context';
import { Dialog } from './Dialog';
import { Field } from './Field';
import { useForm } from './form';
import { RoleChoice } from './Role';

export function AddMember({ room, onClose }: { room: Room; onClose(): void }) {
  const { members } = useSession();
  const [username, setUsername] = useState('');
  const [role, setRole] = useState<Role>('member');
  const name = username.trim().replace(/^@/, '');
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
      <form class="form" onInput={form.input} onSubmit={form.submit} noValidate>
        <Field
          label="Username"
          name="username"
          value={username}
          onInput={setUsername}
          error={form.fieldError('username')}
          hint="As they log in with it."
          plain
        />
        <RoleChoice roles={rolesToGive(room)} chosen={role} onChoose={setRole} />
        <FormError text={form.error} />
        <div class="form-actions">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={form.busy || form.waiting}>
            {form.busy ? 'Adding…' : 'Add to room'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
