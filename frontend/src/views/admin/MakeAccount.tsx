import { useState } from 'preact/hooks';
import { randomPassword } from '../../browser/random_password';
import { nameIn } from '../../browser/text';
import { NEW_ACCOUNT, NEW_ACCOUNT_LIMITS, newAccountErrors } from '../account/NewAccount';
import { PASSWORD_RULE } from '../account/password';
import { useAdmin } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { GivenPassword } from './GivenPassword';

/** Makes an account for somebody, and then shows once what to tell them. */
export function MakeAccount({ onClose }: { onClose(): void }) {
  const { accounts } = useAdmin();
  const [made, setMade] = useState<{ username: string; password: string } | null>(null);
  const [suggested] = useState(() => randomPassword(crypto));
  const form = useForm({
    names: NEW_ACCOUNT,
    limits: NEW_ACCOUNT_LIMITS,
    check: newAccountErrors,
    send: async (fields) => {
      const username = nameIn(fields.username);
      const display_name = nameIn(fields.display_name);
      const { password } = fields;
      await accounts.make({ username, password, ...(display_name && { display_name }) });
      setMade({ username, password });
    },
  });
  return (
    <Dialog title={made ? 'The account is made' : 'Make an account'} onClose={onClose}>
      {made ? (
        <GivenPassword {...made} onClose={onClose} />
      ) : (
        <FormCard form={form} send="Make the account" sending="Making…">
          <Field
            label="Username"
            {...form.field('username')}
            hint="2 to 32 letters of one script, digits, dots, dashes or underscores. Kept in lower case."
            plain
          />
          <Field label="Display name" {...form.field('display_name')} optional />
          <Field
            label="Password"
            {...form.field('password')}
            initial={suggested}
            hint={PASSWORD_RULE}
            plain
          />
        </FormCard>
      )}
    </Dialog>
  );
}
