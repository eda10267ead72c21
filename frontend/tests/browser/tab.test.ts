import { expect, test } from 'vitest';
import { Tab } from '../../src/browser/tab';
import { FakeLocks } from '../doubles/fake_locks';
import { ManualClock } from '../doubles/manual_clock';
import { MemoryStorage } from '../make';

let made = 0;

function makeTab(browser: FakeLocks | null, storage = new MemoryStorage()) {
  const clock = new ManualClock();
  const { locks, end } = browser?.makeTab() ?? { locks: undefined, end: () => {} };
  const tab = new Tab({ storage, locks, clock, makeId: () => `tab-${++made}` });
  return { tab, clock, storage, end };
}

async function isGone(tab: Tab, id: string): Promise<boolean> {
  let gone = false;
  await tab.ifGone(id, async () => {
    gone = true;
  });
  return gone;
}

test('a reloaded tab is the same tab', async () => {
  const browser = new FakeLocks();
  const before = makeTab(browser);
  const id = await before.tab.id;
  const after = makeTab(browser, before.storage);
  before.end();
  expect(await after.tab.id).toBe(id);
});

test('a duplicated tab is another tab, and stays it', async () => {
  const browser = new FakeLocks();
  const first = makeTab(browser);
  await first.tab.id;
  const storage = new MemoryStorage();
  storage.setItem('tailwire.tab', await first.tab.id);
  const twin = makeTab(browser, storage);
  await twin.clock.advance(500);
  const id = await twin.tab.id;
  expect(id).not.toBe(await first.tab.id);
  const reloaded = makeTab(browser, storage);
  twin.end();
  expect(await reloaded.tab.id).toBe(id);
});

test('a tab is gone when its page has ended, not before', async () => {
  const browser = new FakeLocks();
  const [one, other] = [makeTab(browser), makeTab(browser)];
  const id = await one.tab.id;
  expect(await isGone(other.tab, id)).toBe(false);
  one.end();
  await Promise.resolve();
  await expect.poll(() => isGone(other.tab, id)).toBe(true);
});

test('without locks a tab keeps its id, and takes nobody for gone', async () => {
  const { tab, storage } = makeTab(null);
  expect(await makeTab(null, storage).tab.id).toBe(await tab.id);
  expect(await isGone(tab, 'anybody')).toBe(false);
});

test('locks that the browser denies are no locks', async () => {
  const storage = new MemoryStorage();
  storage.setItem('tailwire.tab', 'tab-before');
  const denied = () => Promise.reject(new DOMException('denied', 'SecurityError'));
  const locks = { request: denied } as unknown as Pick<LockManager, 'request'>;
  const tab = new Tab({ storage, locks, clock: new ManualClock(), makeId: () => 'new' });
  expect(await tab.id).toBe('tab-before');
});
