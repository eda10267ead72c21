import { useState } from 'preact/hooks';
import type { PublicUser } from '../../wire/protocol';
import { useApp } from '../parts/context';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';

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
    <FormCard form={form} send="Save name" sending="Saving…">
      <Field
        label="Display name"
        {...form.field('display_name')}
        value={name}
        onInput={setName}
        hint="How others see you. Your username stays."
        autoComplete="name"
      />
    </FormCard>
  );
}
