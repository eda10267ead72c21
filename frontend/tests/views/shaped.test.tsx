import { expect, it } from 'vitest';
import { shaped } from '../../src/views/timeline/shaped';

it.each(['', 'plain', 'é e\u0301', `e${'\u0301'.repeat(255)}`])('leaves %j as it is', (text) => {
  expect(shaped(text)).toBe(text);
});

it.each([
  ['accents', 'e', '\u0301'],
  ['marks of two code units', 'x', '\u{1e8d0}'],
])('cuts very many %s on a letter, and loses none of them', (_name, letter, mark) => {
  const text = `a ${letter}${mark.repeat(600)} z ${letter}${mark.repeat(300)}`;
  const parts = shaped(text);
  const texts = Array.isArray(parts) ? parts.filter((part) => typeof part === 'string') : [];
  expect(texts.join('')).toBe(text);
  expect(texts).toHaveLength(4);
  expect(texts.some((part) => /\p{Surrogate}/u.test(part))).toBe(false);
});
