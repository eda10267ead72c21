import type { PublicUser } from 'tailwire-client/wire/protocol';
import { nameIn } from '../../browser/text';
import { useApp } from '../parts/context';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { PasswordField } from './PasswordField';

/**
 * Deletes the account. The user types the username, because a browser may fill in the password by
 * itself.
 */
export function Erase({ user, onBack }: { user: PublicUser; onBack(): void }) {
  const { erase } = useApp();
  const form = useForm({
    names: ['name', 'password'],
    check: ({ name, password }) => [
      ...wrongIf(!isNamed(user, name), 'name', `Type ${user.username} to go on.`),
      ...wrongIf(!password, 'password', 'Enter your password.'),
    ],
    send: ({ password }) => erase(password),
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
        hint={`Type ${user.username} to confirm.`}
        plain
      />
      <PasswordField label="Password" {...form.field('password')} />
    </FormCard>
  );
}

function isNamed(user: PublicUser, typed: string): boolean {
  const name = nameIn(typed).replace(/^@/, '').normalize('NFKC').toLowerCase();
  return name === user.username.toLowerCase();
}
