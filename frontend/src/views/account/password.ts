import { codePoints } from '../../browser/text';

// The server's rule, so that most mistakes are found without a request. The server also refuses
// common passwords.
const FEWEST_CHARACTERS = 8;

export const PASSWORD_RULE = `At least ${FEWEST_CHARACTERS} characters. A few unrelated words are a good choice.`;
export const SHORT = `Use at least ${FEWEST_CHARACTERS} characters.`;

export function isShort(password: string): boolean {
  return codePoints(password) < FEWEST_CHARACTERS;
}
