/**
 * Reads the emphasis, code and links of a paragraph, by the rules of CommonMark 0.31 (section 6).
 * What the text holds decides how long that takes, and never more than its length: each character
 * is looked at a few times, and nothing is tried again. Pure.
 */

import { addressAt, linkIn, safeHref } from '../browser/text';
import { type Piece, resolved } from './emphasis';
import type { Inline } from './nodes';

// A longer label is no label.
const MOST_LABEL = 500;
// Deeper brackets in an address are no address.
const MOST_PARENS = 4;

// Characters that mean nothing here. A backslash, "h" of "https:" and the others may begin something.
const PLAIN = /[^\\`*_~[\]!<hH:@]+/y;
const ESCAPED = /\\([`*_~[\]<>|:@])/y;
const TICKS = /`+/y;
const RUN = /\*+|_+|~+/y;
const ANGLED = /<(https?:\/\/[^\s<>]+)>/iy;
const NAME = /:([a-z0-9_+-]{1,64}):/y;
const NUMBER = /^\d+$/;
// Names of emoji that look like a part of a time of day.
const NUMBERED = new Set(['100', '1234']);
// Usernames end with a letter or a digit, so that a sentence may follow.
const MENTION = /@([\p{L}\p{N}][\p{L}\p{M}\p{N}._-]{0,63})/uy;
const MENTION_TAIL = /[._-]+$/;
const LETTER = /[\p{L}\p{N}]/u;
const MAIL = /^mailto:[^\s@?&/]+@[^\s@?&/]+$/i;

const SPACE = /\s/;
const ASCII = /[\0-\x7f]/;
const ASCII_PUNCTUATION = /[!-/:-@[-`{-~]/;
const OTHER_PUNCTUATION = /[\p{P}\p{S}]/u;
// These scripts have no spaces between words, so their punctuation stands right beside them.
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uffef]/u;

export function parseInlines(text: string): readonly Inline[] {
  return new Reader(text).read();
}

class Reader {
  readonly #text: string;
  #at = 0;
  #pieces: Piece[] = [];
  /** The indices in `#pieces` of the brackets that may still become a link. */
  #brackets: number[] = [];
  /** No address begins before this place. */
  #noAddressBefore = 0;
  #ticks: Map<number, number[]> | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  read(): readonly Inline[] {
    while (this.#at < this.#text.length) this.#pieces.push(this.#piece());
    return resolved(this.#pieces).children;
  }

  #piece(): Piece {
    const plain = this.#match(PLAIN);
    if (plain) return piece(plain[0]);
    switch (this.#text[this.#at]) {
      case '\\':
        return this.#escape();
      case '`':
        return this.#code();
      case '*':
      case '_':
      case '~':
        return this.#run();
      case '[':
        return this.#open('[');
      case '!':
        return this.#text[this.#at + 1] === '[' ? this.#open('![') : this.#one();
      case ']':
        return this.#close();
      case '<':
        return this.#angled();
      case ':':
        return this.#name();
      case '@':
        return this.#mention();
      default:
        return this.#address();
    }
  }

  /** Matches a sticky expression here, and goes on behind the match. */
  #match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#text);
    if (match) this.#at += match[0].length;
    return match;
  }

  /** The character means itself. */
  #one(): Piece {
    return piece(this.#text[this.#at++] ?? '');
  }

  #escape(): Piece {
    const [, character] = this.#match(ESCAPED) ?? [];
    return character ? piece(character) : this.#one();
  }

  #code(): Piece {
    const from = this.#at;
    const ticks = this.#match(TICKS)?.[0].length ?? 0;
    const end = this.#closingTicks(ticks);
    if (end === null) return piece(this.#text.slice(from, this.#at));
    const code = this.#text.slice(this.#at, end);
    this.#at = end + ticks;
    const isPadded = code.startsWith(' ') && code.endsWith(' ') && code.trim() !== '';
    return piece({ kind: 'code', text: isPadded ? code.slice(1, -1) : code });
  }

  /** Where the next run of exactly so many backticks begins. */
  #closingTicks(count: number): number | null {
    if (!this.#ticks) {
      this.#ticks = new Map();
      // The last run comes first, so that those passed are taken from the end.
      for (const { 0: run, index } of [...this.#text.matchAll(/`+/g)].reverse()) {
        const places = this.#ticks.get(run.length);
        if (places) places.push(index);
        else this.#ticks.set(run.length, [index]);
      }
    }
    const places = this.#ticks.get(count) ?? [];
    while ((places.at(-1) ?? this.#at) < this.#at) places.pop();
    return places.at(-1) ?? null;
  }

  #run(): Piece {
    const from = this.#at;
    const run = this.#match(RUN)?.[0] ?? '';
    const mark = run.charAt(0);
    if (mark === '~' && run.length !== 2) return piece(run);
    const before = characterBefore(this.#text, from);
    const after = characterAt(this.#text, this.#at);
    const left = flanks(after, before, mark);
    const right = flanks(before, after, mark);
    const isWord = mark === '_';
    return {
      mark,
      size: run.length,
      length: run.length,
      opens: left && (!isWord || !right || isPunctuation(before)),
      closes: right && (!isWord || !left || isPunctuation(after)),
    };
  }

  #open(bracket: string): Piece {
    this.#at += bracket.length;
    this.#brackets.push(this.#pieces.length);
    return { bracket, from: this.#at };
  }

  /** Ends a label. An image is a link too, so that nothing is loaded because somebody wrote it. */
  #close(): Piece {
    const index = this.#brackets.pop();
    const opened = index === undefined ? undefined : this.#pieces[index];
    if (index === undefined || !opened || !('bracket' in opened)) return this.#one();
    const label = this.#text.slice(opened.from, this.#at);
    const target = label.length > MOST_LABEL ? null : targetAt(this.#text, this.#at + 1);
    const href = target && hrefOf(target.address);
    if (!target || !href || deceives(label, href)) return this.#one();
    this.#at = target.end;
    const { children, depth } = resolved(this.#pieces.splice(index).slice(1));
    const shown = children.length > 0 ? children.map(unlinked) : [target.address];
    // There are no links in links.
    this.#brackets = [];
    return piece({ kind: 'link', href, children: shown }, depth + 1);
  }

  #angled(): Piece {
    const from = this.#at;
    const [, address = ''] = this.#match(ANGLED) ?? [];
    const href = address && safeHref(address);
    if (href) return piece({ kind: 'link', href, children: [address] }, 1);
    this.#at = from;
    return this.#one();
  }

  #name(): Piece {
    const from = this.#at;
    const [, name = ''] = this.#match(NAME) ?? [];
    if (name && (!NUMBER.test(name) || NUMBERED.has(name))) return piece({ kind: 'name', name });
    this.#at = from;
    return this.#one();
  }

  #mention(): Piece {
    // "a@b.example" is an address.
    const isInWord = LETTER.test(characterBefore(this.#text, this.#at));
    const [, match] = (!isInWord && this.#match(MENTION)) || [];
    if (!match) return this.#one();
    const name = match.replace(MENTION_TAIL, '');
    this.#at -= match.length - name.length;
    return piece({ kind: 'mention', name });
  }

  #address(): Piece {
    const run = this.#at < this.#noAddressBefore ? null : addressAt(this.#text, this.#at);
    if (!run) return this.#one();
    const isInLabel = this.#brackets.length > 0 && run.includes('](');
    const link = linkIn(isInLabel ? run.slice(0, run.indexOf('](')) : run);
    if (!link) {
      this.#noAddressBefore = this.#at + run.length;
      return this.#one();
    }
    this.#at += link.text.length;
    return piece({ kind: 'link', href: link.href, children: [link.text] }, 1);
  }
}

function piece(node: Inline, depth = 0): Piece {
  return { node, depth };
}

/** Whether emphasis may begin before `inside`, or end after it. `outside` is on its other side. */
function flanks(inside: string, outside: string, mark: string): boolean {
  if (SPACE.test(inside)) return false;
  if (!isPunctuation(inside)) return true;
  if (SPACE.test(outside) || isPunctuation(outside)) return true;
  return mark !== '_' && UNSPACED.test(outside);
}

/** Whether Unicode calls a character punctuation or a symbol. Most are ASCII, where this is fast. */
function isPunctuation(character: string): boolean {
  return (ASCII.test(character) ? ASCII_PUNCTUATION : OTHER_PUNCTUATION).test(character);
}

/** The character that ends before `at`. The text is between line ends. */
function characterBefore(text: string, at: number): string {
  const low = text.charCodeAt(at - 1);
  return at === 0 ? '\n' : text.slice(low >= 0xdc00 && low <= 0xdfff ? at - 2 : at - 1, at);
}

function characterAt(text: string, at: number): string {
  const point = text.codePointAt(at);
  return point === undefined ? '\n' : String.fromCodePoint(point);
}

interface Target {
  address: string;
  end: number;
}

/** The address in brackets that follows a label: `(https://a.example/)`. */
function targetAt(text: string, at: number): Target | null {
  if (text[at] !== '(') return null;
  let from = at + 1;
  while (text[from] === ' ') from++;
  const isAngled = text[from] === '<';
  if (isAngled) from++;
  let depth = 0;
  let end = from;
  for (; end < text.length; end++) {
    const character = text.charAt(end);
    if (isAngled ? character === '>' : character === ')' && depth === 0) break;
    if (character === '<' || (isAngled ? character === '\n' : SPACE.test(character))) break;
    if (character === '(' && ++depth > MOST_PARENS) return null;
    if (character === ')') depth--;
  }
  const address = text.slice(from, end);
  if (isAngled && text[end++] !== '>') return null;
  while (text[end] === ' ') end++;
  return text[end] === ')' && address ? { address, end: end + 1 } : null;
}

function hrefOf(address: string): string | null {
  return MAIL.test(address) ? address : safeHref(address);
}

/** Whether a label looks like the address of another place than the one to which it leads. */
function deceives(label: string, href: string): boolean {
  const at = label.search(/https?:\/\//i);
  const run = at < 0 ? null : addressAt(label, at);
  return run !== null && linkIn(run)?.href !== href;
}

function unlinked(node: Inline): Inline {
  if (typeof node === 'string' || !('children' in node)) return node;
  if (node.kind === 'link') return node.children.find((one) => typeof one === 'string') ?? '';
  return { ...node, children: node.children.map(unlinked) };
}
