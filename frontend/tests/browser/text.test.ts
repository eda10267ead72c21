import { describe, expect, test } from 'vitest';
import { cleaned, codePoints, isBlank, splitLinks } from '../../src/browser/text';
import { HOSTILE_BODIES } from './hostile';

const links = (body: string) => splitLinks(body).flatMap(({ href }) => href ?? []);

describe('links', () => {
  test('keep the text around them, character for character', () => {
    const body = 'see https://a.example/x?y=1#z, and (http://b.example/c_(d)).';
    expect(links(body)).toEqual(['https://a.example/x?y=1#z', 'http://b.example/c_(d)']);
    expect(
      splitLinks(body)
        .map(({ text }) => text)
        .join(''),
    ).toBe(body);
  });

  test.each([
    'javascript:alert(1)',
    'JaVaScRiPt://%0aalert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    '//evil.example',
    'www.example.org',
    'mailto:a@b.example',
    'https://',
    'https://bank.example@evil.example/',
    '<a href="https:&#47;/x">',
  ])('%s is not one', (body) => {
    expect(links(body)).toEqual([]);
    expect(
      splitLinks(body)
        .map(({ text }) => text)
        .join(''),
    ).toBe(body);
  });

  test('end before quotes and angle brackets', () => {
    expect(links('<https://a.example/"onclick=alert(1)>')).toEqual(['https://a.example/']);
  });

  test.each([
    ['https://a.example/docs，请看', 'https://a.example/docs'],
    ['请看https://a.example/docs。谢谢', 'https://a.example/docs'],
    ['「https://a.example/docs」です', 'https://a.example/docs'],
    ['（https://a.example/docs）', 'https://a.example/docs'],
    ['“https://a.example/docs”, she said', 'https://a.example/docs'],
    ['‘https://a.example/docs’, he said', 'https://a.example/docs'],
    ['‘https://a.example/docs’请看', 'https://a.example/docs'],
    ['«https://a.example/docs»', 'https://a.example/docs'],
    ["'https://a.example/docs'.", 'https://a.example/docs'],
    ['(https://a.example/docs?)', 'https://a.example/docs'],
    ['https://a.example/docs، ثم', 'https://a.example/docs'],
    ['https://a.example/docs\u200b\u200b', 'https://a.example/docs'],
    ['https://a.example/\u202egnp.exe', 'https://a.example/'],
    ["https://a.example/wiki/Rubik's_Cube", "https://a.example/wiki/Rubik's_Cube"],
    ["https://a.example/?q='x'&b=1", "https://a.example/?q='x'&b=1"],
    ['https://a.example/l’été', 'https://a.example/l’été'],
    ['https://a.example/x(y)(', 'https://a.example/x(y)('],
    ['https://a.example/x](y)', 'https://a.example/x](y)'],
    ['https://a.example/नमस्ते', 'https://a.example/नमस्ते'],
    ['https://a.example/می\u200cخواهم', 'https://a.example/می\u200cخواهم'],
  ])('%s ends where its language ends it', (body, shown) => {
    expect(splitLinks(body).filter(({ href }) => href)).toEqual([
      { text: shown, href: new URL(shown).href },
    ]);
  });
});

// The bound is far above what each takes, and far below what going back over a body takes. The
// shortest of several tries counts, because other programs may take the processor meanwhile.
test.each(HOSTILE_BODIES)('a body of $name costs no time', ({ body }) => {
  const shortest = Math.min(
    ...[1, 2, 3].map(() => {
      const start = performance.now();
      const parts = splitLinks(body);
      cleaned(body);
      codePoints(body);
      isBlank(body);
      const milliseconds = performance.now() - start;
      expect(parts.map(({ text }) => text).join('')).toBe(body);
      return milliseconds;
    }),
  );
  expect(shortest).toBeLessThan(50);
});

test('lengths are code points, not UTF-16 units', () => {
  expect(codePoints('a😀é')).toBe(3);
});

test('lone surrogates and control characters never leave, tabs and lines do', () => {
  expect(cleaned('a\u0000\u001bb\r\nc\td\ud800😀\udc00  ')).toBe('ab\nc\td\ufffd😀\ufffd');
});

test.each([
  ['\n \n    if (a)\n      b();\n\n', '    if (a)\n      b();'],
  ['  * a\n  * b  ', '  * a\n  * b'],
  ['\tone', '\tone'],
  ['one  \n\n  two', 'one  \n\n  two'],
  [' \n\t\n ', ''],
  ['', ''],
])('of %j only blank lines and space at the end are cut', (typed, sent) => {
  expect(cleaned(typed)).toBe(sent);
});

test('spaces and invisible characters alone are no message', () => {
  expect(isBlank(' \n\u200b\u2060')).toBe(true);
  expect(isBlank(' . ')).toBe(false);
});
