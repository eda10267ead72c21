import { useState } from 'preact/hooks';
import type { PublicUser } from '../../wire/protocol';
import { useApp } from '../parts/context';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';

/**
 * Deletes the account. The user types the username, because a browser may fill in the password by
 * itself.
 */
export function Erase({ user, onBack }: { user: PublicUser; onBack(): void }) {
  const { erase } = useApp();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const typed = name.trim().replace(/^@/, '').normalize('NFKC').toLowerCase();
  const form = useForm({
    names: ['name', 'password'],
    check: () => [
      ...wrongIf(typed !== user.username.toLowerCase(), 'name', `Type ${user.username} to go on.`),
      ...wrongIf(!password, 'password', 'Enter your password.'),
    ],
    send: () => erase(password),
  });
  return (
    <FormCard
      form={form}
      send="Delete my account"
      sending="Deleting…"
      danger
      buttons={
        <button type="button" class="button" onClick={onBack}>
          Keep my account
        </button>
      }
    >
      <p class="callout danger">
        <strong>This cannot be undone.</strong> You are logged out everywhere, leave every room, and
        what you wrote is deleted or, if this server keeps it, no longer bears your name. Others can
        take your username.
      </p>
      <Field
        label="Your username"
        {...form.field('name')}
        value={name}
        onInput={setName}
        hint={`Type ${user.username} to confirm.`}
        plain
      />
      <Field
        label="Password"
        {...form.field('password')}
        type="password"
        value={password}
        onInput={setPassword}
        autoComplete="current-password"
      />
    </FormCard>
  );
}
