import { IDBFactory } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import type { Pending } from 'tailwire-client/rooms/pending';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Tab } from '../../src/browser/tab';
import { IndexedOutboxStore } from '../../src/rooms/outbox_store';
import { FakeLocks } from '../doubles/fake_locks';
import { ManualClock } from '../doubles/manual_clock';
import { MemoryStorage } from '../make';

const ME = 'alice-id';
let browser: FakeLocks;
let tabs: number;

function openTab() {
  const { locks, end } = browser.makeTab();
  const options = { storage: new MemoryStorage(), clock: new ManualClock(), locks };
  const tab = new Tab({ ...options, makeId: () => `tab-${++tabs}` });
  return { store: new IndexedOutboxStore(tab), end };
}

beforeEach(() => {
  vi.stubGlobal('indexedDB', new IDBFactory());
  browser = new FakeLocks();
  tabs = 0;
});

function makePending(ref: string): Pending {
  const at = '2026-01-05T10:00:00.000Z';
  const rest = { state: 'waiting' as const, seq: null, error: null, attempts: 0 };
  return { command: { type: 'send', ref, room_id: 'lobby', body: `body of ${ref}` }, at, ...rest };
}

const refs = (kept: Pending[]) => kept.map(({ command }) => command.ref);

test('tabs keep their messages side by side, each its own', async () => {
  const [one, other] = [openTab().store, openTab().store];
  one.put(ME, makePending('a'));
  other.put(ME, makePending('b'));
  one.put(ME, { ...makePending('a'), state: 'failed', error: 'no' });
  expect(await one.own(ME)).toEqual([{ ...makePending('a'), state: 'failed', error: 'no' }]);
  expect(await other.own(ME)).toEqual([makePending('b')]);
});

test('what is deleted is gone, and nothing else', async () => {
  const { store } = openTab();
  for (const ref of ['a', 'b', 'c']) store.put(ME, makePending(ref));
  store.delete('b');
  expect(refs(await store.own(ME))).toEqual(['a', 'c']);
});

test('another user of the tab sees nothing of it', async () => {
  const { store } = openTab();
  store.put(ME, makePending('a'));
  expect(await store.own('bob-id')).toEqual([]);
  expect(await store.adopt('bob-id')).toEqual([]);
});

test('forgetting deletes what is this tab’s and this user’s', async () => {
  const [one, other] = [openTab().store, openTab().store];
  one.put(ME, makePending('a'));
  one.put('bob-id', makePending('b'));
  other.put(ME, makePending('c'));
  one.forget(ME);
  expect(await one.own(ME)).toEqual([]);
  expect(refs(await one.own('bob-id'))).toEqual(['b']);
  expect(refs(await other.own(ME))).toEqual(['c']);
});

test('a tab that lives is never robbed', async () => {
  const [one, other] = [openTab().store, openTab().store];
  one.put(ME, makePending('a'));
  await one.own(ME);
  for (let look = 0; look < 3; look++) expect(await other.adopt(ME)).toEqual([]);
});

test('a tab is taken for gone at the second look that misses it', async () => {
  const [one, other] = [openTab(), openTab()];
  one.store.put(ME, makePending('a'));
  await one.store.own(ME);
  one.end();
  expect(await other.store.adopt(ME)).toEqual([]);
  expect(await other.store.adopt(ME)).toEqual([makePending('a')]);
  expect(await other.store.adopt(ME)).toEqual([]);
  expect(refs(await other.store.own(ME))).toEqual(['a']);
});

test('exactly one of many takes over what a tab left', async () => {
  const left = openTab();
  for (const ref of ['a', 'b']) left.store.put(ME, makePending(ref));
  await left.store.own(ME);
  left.end();
  const others = Array.from({ length: 4 }, () => openTab().store);
  const looks: string[][] = [];
  for (let look = 0; look < 3; look++)
    looks.push(...(await Promise.all(others.map((store) => store.adopt(ME)))).map(refs));
  expect(looks.filter(({ length }) => length > 0)).toEqual([['a', 'b']]);
});

describe('what version 1 kept', () => {
  const message = {
    ref: 'a',
    room_id: 'lobby',
    body: 'hello',
    at: '2026-01-05T10:00:00.000Z',
    state: 'failed',
    seq: null,
    error: 'no',
    attempts: 8,
    user_id: ME,
    tab: 'tab-1',
  };

  async function keep(...messages: object[]): Promise<void> {
    const database = await openDB('tailwire', 1, {
      upgrade: (database) => {
        const store = database.createObjectStore('outbox', { keyPath: 'ref' });
        store.createIndex('user_id', 'user_id');
      },
    });
    for (const message of messages) await database.put('outbox', message);
    database.close();
  }

  test('is brought over as commands', async () => {
    await keep({ ...message, reply_to: 7 }, { ...message, ref: 'b', reply_to: null });
    const send = { type: 'send', room_id: 'lobby', body: 'hello' };
    const rest = { at: message.at, state: 'failed', seq: null, error: 'no', attempts: 8 };
    expect(await openTab().store.own(ME)).toEqual([
      { command: { ...send, ref: 'a', reply_to: 7 }, ...rest },
      { command: { ...send, ref: 'b' }, ...rest },
    ]);
  });
});

test('a command that a later version of the app kept stays where it is', async () => {
  const { store } = openTab();
  const command = { type: 'forward', ref: 'e', room_id: 'lobby', to: 'den' };
  store.put(ME, { ...makePending('e'), command: command as unknown as Pending['command'] });
  store.put(ME, makePending('a'));
  expect(refs(await store.own(ME))).toEqual(['a']);
  const database = await openDB('tailwire');
  expect(await database.get('outbox', 'e')).toMatchObject({ command });
});

test.each([
  ['is missing', undefined],
  [
    'refuses',
    {
      open() {
        throw new DOMException('denied', 'SecurityError');
      },
    },
  ],
])('where IndexedDB %s nothing is kept and nothing breaks', async (_, indexedDB) => {
  vi.stubGlobal('indexedDB', indexedDB);
  const { store } = openTab();
  store.put(ME, makePending('a'));
  store.delete('a');
  store.forget(ME);
  expect(await store.own(ME)).toEqual([]);
  expect(await store.adopt(ME)).toEqual([]);
});
