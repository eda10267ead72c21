import { expect, test, vi } from 'vitest';
import { LazyParts } from '../../src/browser/lazy_parts';

test('a part is loaded when it is first asked for, and only once', async () => {
  const parts = new LazyParts();
  const load = vi.fn(async () => 'part');
  expect(parts.of(load)).toBe(parts.of(load));
  expect(load).not.toHaveBeenCalled();
  expect(parts.of(load).value).toBeNull();
  await vi.waitFor(() => expect(parts.of(load).value).toBe('part'));
  expect(load).toHaveBeenCalledOnce();
});

test('when there is time all parts are loaded, also those that are asked for later', async () => {
  const parts = new LazyParts();
  const [one, other] = [vi.fn(async () => 1), vi.fn(async () => 2)];
  parts.of(one);
  parts.loadAll();
  parts.of(other);
  await vi.waitFor(() => expect([parts.of(one).value, parts.of(other).value]).toEqual([1, 2]));
});

test('what could not be loaded is loaded again', async () => {
  const parts = new LazyParts();
  const load = vi.fn(async () => 'part').mockRejectedValueOnce(new TypeError('offline'));
  parts.of(load);
  parts.loadAll();
  await vi.waitFor(() => expect(parts.of(load).failed.value).toBe(true));
  parts.again();
  await vi.waitFor(() => expect(parts.of(load).value).toBe('part'));
});
