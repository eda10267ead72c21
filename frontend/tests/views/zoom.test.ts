/** How a picture is enlarged in the viewer. */
import { expect, test } from 'vitest';
import { FIT, MOST_SCALE, moved, zoomed } from '../../src/views/parts/zoom';

const FRAME = { width: 400, height: 300 };

test('the point under the pointer stays where it is', () => {
  expect(zoomed(FIT, 2, FRAME, 100, -50)).toEqual({ scale: 2, x: -100, y: 50 });
  expect(zoomed(zoomed(FIT, 2, FRAME, 100, -50), 0.5, FRAME, 100, -50)).toEqual(FIT);
});

test('a picture is never smaller than its frame, and not larger than makes sense', () => {
  expect(zoomed(FIT, 0.1, FRAME)).toEqual(FIT);
  expect(zoomed(FIT, 100, FRAME).scale).toBe(MOST_SCALE);
});

test('an enlarged picture is moved as far as its edge', () => {
  const large = zoomed(FIT, 2, FRAME);
  expect(moved(large, 50, -20, FRAME)).toEqual({ scale: 2, x: 50, y: -20 });
  expect(moved(large, 5_000, -5_000, FRAME)).toEqual({ scale: 2, x: 200, y: -150 });
  expect(moved(FIT, 50, 50, FRAME)).toEqual(FIT);
});
