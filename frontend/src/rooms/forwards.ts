/** The text of a message that quotes one of another room. Pure. */
import type { Room } from 'tailwire-client/wire/protocol';

// What is in back-ticks mentions nobody, and is copied as it is.
const CODE = /(```[\s\S]*?(?:```|$)|`[^`\n]*`)/;
const AT = /@(?=[\p{L}\p{N}_])/gu;
const WORD_JOINER = '\u2060';

interface Forwarded {
  body: string;
  /** The name of its author. */
  author: string;
  /** The name of its room. */
  room: string;
  /** Its address. */
  link: string;
}

/** At most `limit` code points. Where the text is longer, its end is left out. */
export function forwardOf({ body, author, room, link }: Forwarded, limit: number): string {
  const foot = `\n\n${silent(`${author}, ${room}:`)} ${link}`;
  const whole = quoted(silent(body));
  const space = limit - [...foot].length;
  const characters = [...whole];
  const text =
    characters.length > space ? `${characters.slice(0, Math.max(0, space - 1)).join('')}…` : whole;
  return text + foot;
}

function quoted(text: string): string {
  return text
    .split('\n')
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');
}

/** Nobody is called into another room because somebody mentioned them here. The text looks the same. */
function silent(text: string): string {
  return text
    .split(CODE)
    .map((part, index) => (index % 2 ? part : part.replace(AT, `@${WORD_JOINER}`)))
    .join('');
}

/** The rooms into which the user may forward what was said in `from`. */
export function roomsToForward(rooms: readonly Room[], from: string): Room[] {
  return rooms.filter(({ id, role }) => id !== from && role !== null && role !== 'reader');
}
