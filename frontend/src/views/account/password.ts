import type { FieldError } from 'tailwire-client/wire/problem';
import { codePoints } from '../../browser/text';
import { wrongIf } from '../parts/form';

// The server's rule, so that most mistakes are found without a request. The server also refuses
// common passwords.
const FEWEST_CHARACTERS = 8;

export const PASSWORD_RULE = `At least ${FEWEST_CHARACTERS} characters. A few unrelated words are a good choice.`;
const SHORT = `Use at least ${FEWEST_CHARACTERS} characters.`;

/** What is wrong with a password that somebody chooses in the field `name`. */
export function newPasswordErrors(name: string, password: string): FieldError[] {
  if (!password) return wrongIf(true, name, 'Choose a password.');
  return wrongIf(codePoints(password) < FEWEST_CHARACTERS, name, SHORT);
}
