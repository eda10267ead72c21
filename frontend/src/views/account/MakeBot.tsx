import { DISPLAY_NAME_CHARACTERS } from 'tailwire-client/wire/limits';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import { nameIn } from '../../browser/text';
import { useAccount } from '../parts/context';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';

export function MakeBot({ onMade }: { onMade(bot: PublicUser): void }) {
  const { programs } = useAccount();
  const form = useForm({
    names: ['username', 'display_name'],
    limits: { display_name: DISPLAY_NAME_CHARACTERS },
    check: ({ username }) => wrongIf(!nameIn(username), 'username', 'Enter a username.'),
    send: async ({ username, display_name }) =>
      onMade(await programs.makeBot(nameIn(username).replace(/^@/, ''), nameIn(display_name))),
  });
  return (
    <FormCard form={form} send="Make the bot" sending="Making…">
      <Field
        label="Username"
        {...form.field('username')}
        hint="By this name it is mentioned. It cannot be changed."
        plain
      />
      <Field
        label="Display name"
        {...form.field('display_name')}
        hint="How others see it."
        optional
      />
    </FormCard>
  );
}
