import { DISPLAY_NAME_CHARACTERS } from 'tailwire-client/wire/limits';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import { nameIn } from '../../browser/text';
import { useApp } from '../parts/context';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';

export function DisplayName({ user, onSaved }: { user: PublicUser; onSaved(said: string): void }) {
  const { auth } = useApp();
  const form = useForm({
    names: ['display_name'],
    limits: { display_name: DISPLAY_NAME_CHARACTERS },
    check: (fields) => wrongIf(!nameIn(fields.display_name), 'display_name', 'Enter a name.'),
    send: async (fields) => {
      const name = nameIn(fields.display_name);
      if (name !== user.display_name) await auth.rename(name);
      onSaved('Your display name is saved.');
    },
  });
  return (
    <FormCard form={form} send="Save name" sending="Saving…">
      <Field
        label="Display name"
        {...form.field('display_name')}
        initial={user.display_name}
        hint="How others see you. Your username stays."
        autoComplete="name"
      />
    </FormCard>
  );
}
