import { useState } from 'preact/hooks';
import type { PublicUser } from '../../wire/protocol';
import { useApp } from '../parts/context';
import { Field } from '../parts/Field';
import { useForm, wrongIf } from '../parts/form';
import { FormError } from './AuthScreen';

/** The end of an account, for which its name is typed: a password alone is soon filled in by a program. */
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
    <form class="form" onInput={form.input} onSubmit={form.submit} noValidate>
      <p class="callout danger">
        <strong>This cannot be undone.</strong> You are logged out everywhere, leave every room, and
        what you wrote is deleted or, if this server keeps it, no longer bears your name. Others can
        take your username.
      </p>
      <Field
        label="Your username"
        name="name"
        value={name}
        onInput={setName}
        error={form.fieldError('name')}
        hint={`Type ${user.username} to confirm.`}
        plain
      />
      <Field
        label="Password"
        name="password"
        type="password"
        value={password}
        onInput={setPassword}
        error={form.fieldError('password')}
        autoComplete="current-password"
      />
      <FormError text={form.error} />
      <div class="form-actions">
        <button type="button" class="button" onClick={onBack}>
          Keep my account
        </button>
        <button type="submit" class="button danger" disabled={form.busy || form.waiting}>
          {form.busy ? 'Deleting…' : 'Delete my account'}
        </button>
      </div>
    </form>
  );
}
