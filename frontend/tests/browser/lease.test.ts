import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { beforeEach, expect, test, vi } from 'vitest';
import { Lease } from '../../src/browser/lease';
import { ManualClock } from '../doubles/manual_clock';

let clock: ManualClock;

beforeEach(() => {
  vi.stubGlobal('indexedDB', new IDBFactory());
  clock = new ManualClock();
});

const openTab = (id: string) => new Lease('renewal', id, clock);

/** A task that goes on until it is told to end, and notes when it begins. */
function makeTask(seen: string[], name: string) {
  let end = () => {};
  const promise = new Promise<string>((resolve) => {
    end = () => resolve(name);
  });
  const run = () => {
    seen.push(name);
    return promise;
  };
  return { run, end };
}

async function until(condition: () => boolean): Promise<void> {
  await vi.waitFor(async () => {
    await clock.advance(50);
    expect(condition()).toBe(true);
  });
}

test('of two tabs the second waits for the first', async () => {
  const seen: string[] = [];
  const [first, second] = [makeTask(seen, 'first'), makeTask(seen, 'second')];
  const one = openTab('1').hold(first.run);
  await until(() => seen.length === 1);
  const other = openTab('2').hold(second.run);
  await clock.advance(1_000);
  expect(seen).toEqual(['first']);
  first.end();
  await until(() => seen.length === 2);
  second.end();
  expect(await Promise.all([one, other])).toEqual(['first', 'second']);
});

test('a task that fails gives the lease back', async () => {
  const failing = openTab('1').hold(() => Promise.reject(new Error('no network')));
  await expect(failing).rejects.toThrow('no network');
  expect(await openTab('2').hold(async () => 'done')).toBe('done');
});

test('a tab that is gone keeps no other waiting for ever', async () => {
  const seen: string[] = [];
  void openTab('1').hold(makeTask(seen, 'gone').run);
  await until(() => seen.length === 1);
  const next = makeTask(seen, 'next');
  void openTab('2').hold(next.run);
  await clock.advance(20_000);
  expect(seen).toEqual(['gone']);
  await clock.advance(5_000);
  await until(() => seen.length === 2);
  next.end();
});

test('where there is no IndexedDB every tab does as it likes', async () => {
  vi.stubGlobal('indexedDB', {
    open: () => {
      throw new DOMException('', 'SecurityError');
    },
  });
  expect(await openTab('1').hold(async () => 'done')).toBe('done');
});
