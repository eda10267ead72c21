/** Finds the terms of a search in a text, in the normal form of the server (api/search/text.py). Pure. */

/** Where a term stands in a text: its first character, and the one behind its last. */
export type Span = readonly [from: number, to: number];

interface Word {
  /** In normal form. */
  plain: string;
  from: number;
  to: number;
}

interface Term {
  words: readonly string[];
  /** Whether the last word may go on. */
  isPrefix: boolean;
}

// Scripts that are written without blanks: each character of theirs is a word here.
const UNSPACED = new RegExp(
  `[${[
    String.raw`\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff`, // Thai, Lao, Myanmar, Khmer
    String.raw`\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff`, // Hangul
    String.raw`\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b`, // Han: radicals, marks and numerals
    String.raw`\u3041-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff`, // Kana, Bopomofo
    String.raw`\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{1aff0}-\u{1b16f}\u{20000}-\u{3ffff}`, // Han, Kana
  ].join('')}]`,
  'u',
);
const IN_WORD = /[\p{L}\p{N}\p{M}]/u;
const SYMBOL = /[\p{So}\p{Cn}]/u;
// Marks without which people write, and search: those of Latin, Greek, Cyrillic, Hebrew and Arabic.
const ACCENT =
  /[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]/gu;
// What is not seen, or only changes how something looks.
const UNSEEN = /\p{Cf}|\u0640|[\ufe00-\ufe0f]|[\u{1f3fb}-\u{1f3ff}]/gu;
// Letters that Unicode does not take apart into a letter and an accent.
const PLAIN = new Map([
  ...Object.entries({ ı: 'i', ł: 'l', ø: 'o', đ: 'd', ħ: 'h', æ: 'ae', œ: 'oe' }),
]);
const DIGIT = /\p{Nd}/u;

/** Where the terms stand. No two of these touch, and each is behind the one before. */
export function spansOf(text: string, terms: readonly string[]): Span[] {
  const wanted = terms.map(termOf).filter(({ words }) => words.length > 0);
  const words = wordsOf(text);
  const spans: [number, number][] = [];
  words.forEach(({ from }, at) => {
    const length = Math.max(0, ...wanted.map((term) => lengthAt(words, at, term)));
    const to = words[at + length - 1]?.to;
    if (to === undefined || length === 0) return;
    const last = spans.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else spans.push([from, to]);
  });
  return spans;
}

function termOf(term: string): Term {
  return { words: wordsOf(term).map(({ plain }) => plain), isPrefix: term.endsWith('*') };
}

/** How many words the term takes here; 0 where it does not stand here. */
function lengthAt(words: readonly Word[], at: number, { words: wanted, isPrefix }: Term): number {
  const last = wanted.length - 1;
  const fits = wanted.every((plain, index) => {
    const word = words[at + index]?.plain;
    return isPrefix && index === last ? word?.startsWith(plain) : word === plain;
  });
  return fits ? wanted.length : 0;
}

function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  let at = 0;
  /** Whether the last word may go on with the next letter. */
  let isOpen = false;
  for (const character of text) {
    const from = at;
    at += character.length;
    const plain = plainOf(character);
    const before = words.at(-1);
    // What is dropped neither ends a word nor begins one.
    if (plain === '' && before?.to === from) before.to = at;
    for (const one of plain) {
      const last = words.at(-1);
      const isNext = last !== undefined && last.to >= from;
      const composed = isNext ? (last.plain + one).normalize('NFC') : '';
      const isUnspaced = UNSPACED.test(one);
      if (isNext && composed.length <= last.plain.length) extend(last, composed, at);
      else if (isUnspaced || SYMBOL.test(one)) {
        words.push({ plain: one, from, to: at });
        isOpen = false;
      } else if (!IN_WORD.test(one)) isOpen = false;
      else if (isOpen && last) extend(last, composed, at);
      else {
        words.push({ plain: one, from, to: at });
        isOpen = true;
      }
    }
  }
  return words;
}

function extend(word: Word, plain: string, to: number): void {
  word.plain = plain;
  word.to = to;
}

/** What becomes of a character in normal form; empty where it is dropped. */
function plainOf(character: string): string {
  const folded = character.normalize('NFKD').toUpperCase().toLowerCase().normalize('NFKD');
  const kept = [...folded.replace(ACCENT, '').replace(UNSEEN, '')];
  return kept
    .map((one) => PLAIN.get(one) ?? digitOf(one) ?? one)
    .join('')
    .normalize('NFC');
}

/** The ASCII digit of a digit of any script; null where it is none. In Unicode each ten stand together, 0 first. */
function digitOf(character: string): string | null {
  if (!DIGIT.test(character)) return null;
  const code = character.codePointAt(0) ?? 0;
  let value = 0;
  while (value < 9 && DIGIT.test(String.fromCodePoint(code - value - 1))) value++;
  return String(value);
}
