/** The text of messages: counts it, removes what may not be sent, and finds links. */

export type Part = { text: string; href: string | null };

// Only an address with its scheme becomes a link, so that no other text turns into an address.
const LINK = /https?:\/\/[^\s<>"'`]+/gi;
const TRAILING = /[.,;:!?]+$/;
// Control characters, without tab and newline. Nobody types them, and each takes six bytes in JSON.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are the point
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
// Invisible characters. The server refuses a message of nothing else as empty.
const INVISIBLE = /[\s\u200b-\u200f\u2060-\u2064\ufeff\u00ad]/g;

/** Lengths are counted in Unicode code points. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The text that may be sent: without lone surrogates and control characters. */
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

/**
 * A full stop at the end is not part of the link, and neither is a bracket that was opened before
 * it.
 */
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
    // A user name in a link ("https://bank.example@evil.example") deceives the reader, so it is no
    // link.
    return isWeb && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}
