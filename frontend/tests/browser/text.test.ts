import { describe, expect, test } from 'vitest';
import { cleaned, codePoints, isBlank, splitLinks } from '../../src/browser/text';

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
});

test('lengths are code points, not UTF-16 units', () => {
  expect(codePoints('a😀é')).toBe(3);
});

test('lone surrogates and control characters never leave, tabs and lines do', () => {
  expect(cleaned('  a\u0000\u001bb\r\nc\td\ud800  ')).toBe('ab\nc\td\ufffd');
});

test('spaces and invisible characters alone are no message', () => {
  expect(isBlank(' \n\u200b\u2060')).toBe(true);
  expect(isBlank(' . ')).toBe(false);
});
