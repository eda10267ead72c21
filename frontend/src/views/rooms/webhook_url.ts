import { type Fields, wrongIf } from '../parts/form';

/** The longest address of a webhook that the server takes. */
export const URL_CHARACTERS = 2_048;

/** The address that is in the field `url` of a form. */
export function urlIn({ url = '' }: Fields<string>): string {
  return url.trim();
}

/** A row for `check`. */
export function wrongUrl(fields: Fields<string>) {
  const isRight = /^https?:\/\/\S+$/.test(urlIn(fields));
  return wrongIf(!isRight, 'url', 'Give an address with https://.');
}
