/** Message bodies as text: counted, cleaned and cut into plain parts and links. */

export type Part = { text: string; href: string | null };

// Only what names its scheme is a link: nothing else may become an address.
const LINK = /https?:\/\/[^\s<>"'`]+/gi;
const TRAILING = /[.,;:!?]+$/;
// Everything below a space but tab and newline: never typed, and six bytes each on the wire.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are the point
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
// Characters that take no room: a message of nothing else is refused as empty.
const INVISIBLE = /[\s\u200b-\u200f\u2060-\u2064\ufeff\u00ad]/g;

/** Lengths are counted in Unicode code points. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** What may be sent of what was typed or pasted: no lone surrogates, no control characters. */
export function cleaned(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(CONTROL, '').toWellFormed().trim();
}

export function isBlank(text: string): boolean {
  return text.replace(INVISIBLE, '') === '';
}

export function splitLinks(body: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of body.matchAll(LINK)) {
    const text = withoutTail(match[0]);
    const href = safeHref(text);
    if (!href) continue;
    if (match.index > end) parts.push({ text: body.slice(end, match.index), href: null });
    parts.push({ text, href });
    end = match.index + text.length;
  }
  if (end < body.length) parts.push({ text: body.slice(end), href: null });
  return parts;
}

/** The stop of the sentence is not part of the link, nor is a bracket that it did not open. */
function withoutTail(url: string): string {
  let text = url.replace(TRAILING, '');
  while (/[)\]}]$/.test(text) && !isBalanced(text)) text = text.slice(0, -1).replace(TRAILING, '');
  return text;
}

function isBalanced(text: string): boolean {
  const count = (character: string) => text.split(character).length;
  return count('(') >= count(')') && count('[') >= count(']') && count('{') >= count('}');
}

function safeHref(text: string): string | null {
  try {
    const url = new URL(text);
    const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
    // A link with a user name in it ("https://bank.example@evil.example") is made to deceive.
    return isWeb && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}
