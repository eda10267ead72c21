import { useState } from 'preact/hooks';
import type { PublicUser } from '../../wire/protocol';
import { useApp } from '../parts/context';
import { Field } from '../parts/Field';
import { useForm, wrongIf } from '../parts/form';
import { FormError } from './AuthScreen';

export function DisplayName({ user, onSaved }: { user: PublicUser; onSaved(said: string): void }) {
  const { auth } = useApp();
  const [name, setName] = useState(user.display_name);
  const form = useForm({
    names: ['display_name'],
    check: () => wrongIf(!name.trim(), 'display_name', 'Enter a name.'),
    send: async () => {
      if (name.trim() !== user.display_name) await auth.rename(name.trim());
      onSaved('Your display name is saved.');
    },
  });
  return (
    <form class="form" onInput={form.input} onSubmit={form.submit} noValidate>
      <Field
        label="Display name"
        name="display_name"
        value={name}
        onInput={setName}
        error={form.fieldError('display_name')}
        hint="How others see you. Your username stays."
        autoComplete="name"
      />
      <FormError text={form.error} />
      <div class="form-actions">
        <button type="submit" class="button primary" disabled={form.busy || form.waiting}>
          {form.busy ? 'Saving…' : 'Save name'}
        </button>
      </div>
    </form>
  );
}
