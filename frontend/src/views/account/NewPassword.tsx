import type { PublicUser } from 'tailwire-client/wire/protocol';
import { useApp } from '../parts/context';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { PasswordField } from './PasswordField';
import { newPasswordErrors, PASSWORD_RULE } from './password';

interface NewPasswordProps {
  user: PublicUser;
  onChanged(said: string): void;
}

export function NewPassword({ user, onChanged }: NewPasswordProps) {
  const { auth } = useApp();
  const form = useForm({
    names: ['current_password', 'new_password', 'again'],
    check: ({ current_password, new_password, again }) => [
      ...wrongIf(!current_password, 'current_password', 'Enter the password you have now.'),
      ...newPasswordErrors('new_password', new_password),
      ...wrongIf(new_password !== again, 'again', 'This is not the same as above.'),
    ],
    send: async ({ current_password, new_password }) => {
      await auth.changePassword(current_password, new_password);
      onChanged('Your password is changed. You are logged out everywhere else.');
    },
  });
  return (
    <FormCard form={form} send="Change password" sending="Changing…">
      {/* This field tells a password manager whose password it is. */}
      <input type="text" autoComplete="username" value={user.username} hidden readOnly />
      <PasswordField label="Current password" {...form.field('current_password')} />
      <PasswordField
        label="New password"
        {...form.field('new_password')}
        hint={PASSWORD_RULE}
        isNew
      />
      <PasswordField label="New password again" {...form.field('again')} isNew />
      <p class="form-note">Wherever else you are logged in, you will be logged out.</p>
    </FormCard>
  );
}
