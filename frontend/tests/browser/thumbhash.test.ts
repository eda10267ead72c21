/** The placeholders of pictures. tests/files/test_thumbhash.py makes such hashes. */
import { expect, test } from 'vitest';
import { pixelsOf } from '../../src/browser/thumbhash';

function middle(hash: string) {
  const pixels = pixelsOf(hash);
  if (!pixels) throw new Error('no picture');
  const at = (Math.floor(pixels.height / 2) * pixels.width + Math.floor(pixels.width / 2)) * 4;
  return [...pixels.rgba.slice(at, at + 4)];
}

test('a hash has the shape and about the colour of its picture', () => {
  const wide = pixelsOf(WIDE_RED);
  expect([wide?.width, wide?.height]).toEqual([32, 18]);
  const [red = 0, green = 0, blue = 0, opacity] = middle(WIDE_RED);
  expect(red).toBeGreaterThan(180);
  expect(Math.max(green, blue)).toBeLessThan(60);
  expect(opacity).toBe(255);
});

test('a picture that one can see through keeps that', () => {
  const pixels = pixelsOf(HALF_CLEAR);
  if (!pixels) throw new Error('no picture');
  const opacities = [...pixels.rgba].filter((_, index) => index % 4 === 3);
  expect(Math.max(...opacities)).toBeGreaterThan(200);
  expect(Math.min(...opacities)).toBeLessThan(60);
});

test('what is no hash is no picture', () => {
  expect([pixelsOf('%%'), pixelsOf(''), pixelsOf('AAA=')]).toEqual([null, null, null]);
});

const WIDE_RED = 'FYsDBIBXWpqPiIiDiI9YjID2OA==';
const HALF_CLEAR = '1QGCBQBYf3aIeIeIeIB3CAAAj3WIiIeIiA==';
