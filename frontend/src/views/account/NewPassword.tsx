import { useState } from 'preact/hooks';
import type { PublicUser } from '../../wire/protocol';
import { useApp } from '../parts/context';
import { Field } from '../parts/Field';
import { useForm, wrongIf } from '../parts/form';
import { FormError } from './AuthScreen';
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
    <form class="form" onInput={form.input} onSubmit={form.submit} noValidate>
      {/* Tells a password manager whose password this is. */}
      <input type="text" autoComplete="username" value={user.username} hidden readOnly />
      <Field
        label="Current password"
        name="current_password"
        type="password"
        value={current}
        onInput={setCurrent}
        error={form.fieldError('current_password')}
        autoComplete="current-password"
      />
      <Field
        label="New password"
        name="new_password"
        type="password"
        value={next}
        onInput={setNext}
        error={form.fieldError('new_password')}
        hint={PASSWORD_RULE}
        autoComplete="new-password"
      />
      <Field
        label="New password again"
        name="again"
        type="password"
        value={again}
        onInput={setAgain}
        error={form.fieldError('again')}
        autoComplete="new-password"
      />
      <p class="form-note">Wherever else you are logged in, you will be logged out.</p>
      <FormError text={form.error} />
      <div class="form-actions">
        <button type="submit" class="button primary" disabled={form.busy || form.waiting}>
          {form.busy ? 'Changing…' : 'Change password'}
        </button>
      </div>
    </form>
  );
}
