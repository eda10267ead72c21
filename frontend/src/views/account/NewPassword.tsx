import { useState } from 'preact/hooks';
import type { PublicUser } from '../../wire/protocol';
import { useApp } from '../parts/context';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { isShort, PASSWORD_RULE, SHORT } from './password';

interface NewPasswordProps {
  user: PublicUser;
  onChanged(said: string): void;
}

export function NewPassword({ user, onChanged }: NewPasswordProps) {
  const { auth } = useApp();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const form = useForm({
    names: ['current_password', 'new_password', 'again'],
    check: () => [
      ...wrongIf(!current, 'current_password', 'Enter the password you have now.'),
      ...wrongIf(!next, 'new_password', 'Choose a password.'),
      ...wrongIf(isShort(next), 'new_password', SHORT),
      ...wrongIf(next !== again, 'again', 'This is not the same as above.'),
    ],
    send: async () => {
      await auth.changePassword(current, next);
      onChanged('Your password is changed. You are logged out everywhere else.');
    },
  });
  return (
    <FormCard form={form} send="Change password" sending="Changing…">
      {/* This field tells a password manager whose password it is. */}
      <input type="text" autoComplete="username" value={user.username} hidden readOnly />
      <Field
        label="Current password"
        {...form.field('current_password')}
        type="password"
        value={current}
        onInput={setCurrent}
        autoComplete="current-password"
      />
      <Field
        label="New password"
        {...form.field('new_password')}
        type="password"
        value={next}
        onInput={setNext}
        hint={PASSWORD_RULE}
        autoComplete="new-password"
      />
      <Field
        label="New password again"
        {...form.field('again')}
        type="password"
        value={again}
        onInput={setAgain}
        autoComplete="new-password"
      />
      <p class="form-note">Wherever else you are logged in, you will be logged out.</p>
    </FormCard>
  );
}
