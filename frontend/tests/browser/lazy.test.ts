import { expect, test } from 'vitest';
import { Lazy } from '../../src/browser/lazy';
import { settled } from '../doubles/manual_clock';

test('a part is loaded once, when it is first read', async () => {
  let loads = 0;
  const part = new Lazy(() => Promise.resolve(++loads));
  await settled();
  expect(loads).toBe(0);
  expect([part.value, part.value]).toEqual([null, null]);
  await settled();
  expect([part.value, part.value]).toEqual([1, 1]);
});

test('a part that cannot be loaded says so, and is loaded again only when that is asked for', async () => {
  let loads = 0;
  const part = new Lazy(() =>
    ++loads === 1 ? Promise.reject(new Error('gone')) : Promise.resolve(loads),
  );
  part.again();
  expect(part.value).toBeNull();
  await settled();
  expect(part.failed.value).toBe(true);
  expect(part.value).toBeNull();
  await settled();
  expect(loads).toBe(1);
  part.again();
  await settled();
  expect([part.value, part.failed.value]).toEqual([2, false]);
});
