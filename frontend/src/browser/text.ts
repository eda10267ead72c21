/** The text of messages: counts it, removes what may not be sent, and finds links. Pure. */

export type Part = { text: string; href: string | null };

// Only an address with its scheme becomes a link, so that no other text turns into an address. None
// of these characters is part of a link. The joiners of Persian and Indic words are.
const NOT_IN_LINK = [
  String.raw`\s\p{Cc}<>"\x60`,
  '«»‘‚‛“”„‟‹›',
  '、。〃〈-】〔-〟！-／：-＠［-｀｛-･',
  String.raw`\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff`, // invisible
];
// Strangers write the text, so the match must not backtrack: nothing follows the repetition.
const LINK = new RegExp(`https?://[^${NOT_IN_LINK.join('')}]+`, 'giu');
const LINK_HERE = new RegExp(LINK.source, 'iuy');
// Punctuation that ends a sentence, a quotation or emphasis in some script. At the end of a link it
// is no part of it.
const TRAILING = new Set(
  "*_~.,;:!?'\u2019\u2026\u00b7\u055d\u0589\u060c\u061b\u061f\u06d4\u0964\u0965",
);
const OPENING = new Map([
  [')', '('],
  [']', '['],
  ['}', '{'],
]);
const APOSTROPHE = '\u2019';
const LATIN = /\p{Script=Latin}/u;
// The longest name that DNS knows. Browsers take much longer over a longer one.
const HOST_CHARACTERS = 253;
const HOST_END = /[/?#\\]/;
// Control characters, without tab and newline. Nobody types them, and each takes six bytes in JSON.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are the point
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
// Halves of a character. `String.toWellFormed` does the same in browsers from 2023 on.
const SURROGATE = /\p{Surrogate}/gu;
const AROUND_NAME = /[\s\xad\u061c\u200b-\u200f\u202a-\u202c\u2060\u2066-\u2069]/;
// Invisible characters. The server refuses a message of nothing else as empty.
const INVISIBLE = /[\s\u200b-\u200f\u2060-\u2064\ufeff\u00ad]/g;

/** Lengths are counted in Unicode code points. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** A name as it was meant: without the blanks and marks of direction that came with a copy of it. */
export function nameIn(text: string): string {
  const isOutside = (at: number) => AROUND_NAME.test(text.charAt(at));
  let start = 0;
  let end = text.length;
  while (start < end && isOutside(start)) start++;
  while (end > start && isOutside(end - 1)) end--;
  return text.slice(start, end);
}

/** "100 characters too long". */
export function tooLongText(count: number): string {
  return `${count} character${count === 1 ? '' : 's'} too long`;
}

/**
 * The text that may be sent: without lone surrogates, control characters, and blank lines and space
 * around it. The first line keeps its indentation, because the text may be code.
 */
export function cleaned(text: string): string {
  const clean = text.replace(/\r\n?/g, '\n').replace(CONTROL, '').replace(SURROGATE, '\ufffd');
  const lines = clean.trimEnd();
  return lines.slice(lines.lastIndexOf('\n', lines.search(/\S/)) + 1);
}

// As much as the lists of rooms of the server hold of a message.
const EXCERPT_CHARACTERS = 200;

/** The beginning of a text in one line. */
export function excerptOf(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  // A character of two halves is not cut in two.
  return line.slice(0, EXCERPT_CHARACTERS).replace(/[\ud800-\udbff]$/, '');
}

export function isBlank(text: string): boolean {
  return text.replace(INVISIBLE, '') === '';
}

export function splitLinks(body: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of body.matchAll(LINK)) {
    const link = linkIn(match[0]);
    if (!link) continue;
    if (match.index > end) parts.push({ text: body.slice(end, match.index), href: null });
    parts.push(link);
    end = match.index + link.text.length;
  }
  if (end < body.length) parts.push({ text: body.slice(end), href: null });
  return parts;
}

/** The characters from `at` on that may be one address; null where none begins there. */
export function addressAt(body: string, at: number): string | null {
  LINK_HERE.lastIndex = at;
  return LINK_HERE.exec(body)?.[0] ?? null;
}

/** The link at the beginning of the characters that may be one address; null if it is none. */
export function linkIn(address: string): { text: string; href: string } | null {
  const text = withoutTail(address);
  const href = safeHref(text);
  return href ? { text, href } : null;
}

/** The beginning of `url` that is the link, when `url` is followed by no character of a link. */
function withoutTail(url: string): string {
  const quoted = closingQuote(url);
  const text = quoted < 0 ? url : url.slice(0, quoted);
  const open = new Map([...OPENING.values()].map((bracket) => [bracket, 0]));
  for (const character of text) {
    const opening = OPENING.get(character) ?? character;
    const count = open.get(opening);
    if (count !== undefined) open.set(opening, count + (opening === character ? 1 : -1));
  }
  let end = text.length;
  for (; end > 0; end--) {
    const last = text.charAt(end - 1);
    if (TRAILING.has(last)) continue;
    // A bracket is part of the link when it was opened in the link.
    const opening = OPENING.get(last);
    const count = opening === undefined ? 0 : (open.get(opening) ?? 0);
    if (opening === undefined || count >= 0) break;
    open.set(opening, count + 1);
  }
  return text.slice(0, end);
}

/** Where ’ ends a quotation: anywhere but between two Latin letters. -1 where it never does. */
function closingQuote(url: string): number {
  let at = url.indexOf(APOSTROPHE);
  while (at >= 0 && LATIN.test(url.charAt(at - 1)) && LATIN.test(url.charAt(at + 1)))
    at = url.indexOf(APOSTROPHE, at + 1);
  return at;
}

/** The address, in the form in which browsers open it; null where it may be no link. */
export function safeHref(text: string): string | null {
  const rest = text.slice(text.indexOf('//') + 2, text.indexOf('//') + 3 + HOST_CHARACTERS);
  if (rest.length > HOST_CHARACTERS && !HOST_END.test(rest)) return null;
  try {
    const url = new URL(text);
    const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
    // A user name in a link ("https://bank.example@evil.example") deceives the reader, so it is no
    // link.
    return isWeb && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}
