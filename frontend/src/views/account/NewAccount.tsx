import { DISPLAY_NAME_CHARACTERS } from 'tailwire-client/wire/limits';
import type { FieldError } from 'tailwire-client/wire/problem';
import { nameIn } from '../../browser/text';
import { Field } from '../parts/Field';
import { type Fields, type FormState, wrongIf } from '../parts/form';
import { PasswordField } from './PasswordField';
import { newPasswordErrors, PASSWORD_RULE } from './password';

/** The names of the fields of a new account. */
export const NEW_ACCOUNT = ['username', 'display_name', 'password'] as const;
export const NEW_ACCOUNT_LIMITS = { display_name: DISPLAY_NAME_CHARACTERS };

// The server's rule, so that most mistakes are found without a request. The server also refuses
// names that mix scripts.
const USERNAME = /^[\p{L}\p{Nd}][\p{L}\p{M}\p{Nd}._-]{1,31}$/u;
const USERNAME_RULE =
  'Use 2 to 32 letters of one script, digits, dots, dashes or underscores. Begin with a letter or a digit.';

export function newAccountErrors(fields: Fields<(typeof NEW_ACCOUNT)[number]>): FieldError[] {
  const username = nameIn(fields.username);
  return [
    ...wrongIf(!username, 'username', 'Choose a username.'),
    ...wrongIf(!USERNAME.test(username.normalize('NFKC')), 'username', USERNAME_RULE),
    ...newPasswordErrors('password', fields.password),
  ];
}

/** The fields of a form that makes an account. */
export function NewAccountFields({ form }: { form: FormState }) {
  return (
    <>
      <Field
        label="Username"
        {...form.field('username')}
        hint="2 to 32 letters of one script, digits, dots, dashes or underscores. Kept in lower case."
        autoComplete="username"
        plain
      />
      <Field label="Display name" {...form.field('display_name')} autoComplete="name" optional />
      <PasswordField label="Password" {...form.field('password')} hint={PASSWORD_RULE} isNew />
    </>
  );
}
