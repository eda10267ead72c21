import { codePoints } from '../../browser/text';

// As the server has it, so that one need not ask it; what is too common it says itself.
const FEWEST_CHARACTERS = 8;

export const PASSWORD_RULE = `At least ${FEWEST_CHARACTERS} characters. A few unrelated words are a good choice.`;
export const SHORT = `Use at least ${FEWEST_CHARACTERS} characters.`;

export function isShort(password: string): boolean {
  return codePoints(password) < FEWEST_CHARACTERS;
}
