import { expect, test } from 'vitest';
import { highlight, type Token } from '../../src/formatting/highlight';
import { HOSTILE_BODIES } from '../browser/hostile';

const LANGUAGES =
  'bash c cpp csharp css diff dockerfile go html ini java javascript json kotlin lua php python ruby rust sql swift typescript yaml';

const textOf = (tokens: readonly Token[] | null) =>
  tokens?.map((token) => (typeof token === 'string' ? token : token.text)).join('');
const found = (code: string, language: string) =>
  highlight(code, language)?.flatMap((one) =>
    typeof one === 'string' ? [] : `${one.kind} ${one.text}`,
  );

test.each([
  [
    'python',
    'def f(x): # y\n  return "a" + 0x1F',
    ['keyword def', 'comment # y', 'keyword return', 'string "a"', 'number 0x1F'],
  ],
  ['ts', 'const a = `b\nc`; // d', ['keyword const', 'string `b\nc`', 'comment // d']],
  ['sql', "SELECT a FROM b -- 'c'", ['keyword SELECT', 'keyword FROM', "comment -- 'c'"]],
  [
    'html',
    '<a href="x"><!-- y --></a>',
    ['keyword a', 'string "x"', 'comment <!-- y -->', 'keyword a'],
  ],
  ['diff', '@@ 1 @@\n-a\n+b\n c', ['comment @@ 1 @@\n', 'removed -a\n', 'added +b\n']],
  ['rust', "fn f<'a>(x: &'a str)", ['keyword fn']],
  ['json', '{"a": [1, true]}', ['string "a"', 'number 1', 'keyword true']],
])('%s has its own colours', (language, code, expected) => {
  expect(found(code, language)).toEqual(expected);
});

test.each(['', 'klingon', '__proto__', 'constructor', 'toString'])('%j is no language', (name) => {
  expect(highlight('a', name)).toBeNull();
});

// As in the test of splitLinks.
const ENDLESS = [
  '/*',
  '"',
  "'",
  '`',
  '"""',
  '<!--',
  '\\',
  '#',
  '--',
  '0x',
  'a.',
  '/',
  '"\\',
  '{',
  '<a ',
];
const codes = [
  ...HOSTILE_BODIES.map(({ body }) => body),
  ...ENDLESS.map((unit) => unit.repeat(4_000).slice(0, 4_000)),
];

test.each(LANGUAGES.split(' '))('no code in %s costs time, or loses a character', (language) => {
  for (const code of codes) {
    const start = performance.now();
    expect(textOf(highlight(code, language))).toBe(code);
    let shortest = performance.now() - start;
    for (let tries = 0; tries < 4 && shortest > 25; tries++) {
      const again = performance.now();
      highlight(code, language);
      shortest = Math.min(shortest, performance.now() - again);
    }
    expect(shortest).toBeLessThan(50);
  }
});
