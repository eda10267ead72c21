/** What the browser keeps of uploads, for the pages of one tab and for who comes after it. */
import { IDBFactory, IDBObjectStore } from 'fake-indexeddb';
import 'fake-indexeddb/auto';
import { beforeEach, expect, test, vi } from 'vitest';
import { Tab } from '../../src/browser/tab';
import { newUpload } from '../../src/rooms/left_uploads';
import { IndexedUploadsStore, type UploadsStore } from '../../src/rooms/uploads_store';
import { FakeLocks } from '../doubles/fake_locks';
import { ManualClock } from '../doubles/manual_clock';
import { MemoryStorage } from '../make';

const ME = 'alice-id';
const MEBIBYTE = 1024 * 1024;
let browser: FakeLocks;
let tabs: number;

function openTab() {
  const { locks, end } = browser.makeTab();
  const options = { storage: new MemoryStorage(), clock: new ManualClock(), locks };
  const tab = new Tab({ ...options, makeId: () => `tab-${++tabs}` });
  return { store: new IndexedUploadsStore(tab), end };
}

beforeEach(() => {
  vi.restoreAllMocks();
  vi.stubGlobal('indexedDB', new IDBFactory());
  browser = new FakeLocks();
  tabs = 0;
});

/** A file of which only the size matters. */
function ofSize(size: number): Blob {
  return { size } as Blob;
}

function add(store: UploadsStore, id: string, bytes: Blob): Promise<boolean> {
  return store.add(ME, { ...newUpload(id, 'lobby', 'lobby'), size: bytes.size }, bytes);
}

async function kept(store: UploadsStore) {
  const { uploads, parcels } = await store.restore(ME);
  const sizes = uploads.map(({ upload, bytes }) => [upload.id, bytes?.size]);
  return { sizes, parcels };
}

test('an upload is kept with its bytes and with what became of it, and the message that waits for it', async () => {
  const { store } = openTab();
  expect(await add(store, 'a', ofSize(3))).toBe(true);
  store.change({ ...newUpload('a', 'lobby', 'lobby'), offset: 2 });
  const parcel = { ref: 'm', room_id: 'lobby', body: 'look', reply_to: null };
  store.putParcel(ME, { ...parcel, uploads: ['a', 'b'] });
  store.putParcel(ME, { ...parcel, uploads: ['a'] });
  const { uploads, parcels } = await store.restore(ME);
  expect(uploads).toMatchObject([{ upload: { id: 'a', offset: 2 }, bytes: { size: 3 } }]);
  expect(parcels).toEqual([{ ...parcel, uploads: ['a'] }]);
  expect(await store.restore('bob-id')).toEqual({ uploads: [], parcels: [] });
});

test('of what is more than 512 MiB the browser keeps that there was a file', async () => {
  const { store } = openTab();
  expect(await add(store, 'a', ofSize(513 * MEBIBYTE))).toBe(false);
  expect(await add(store, 'b', ofSize(512 * MEBIBYTE))).toBe(true);
  expect(await add(store, 'c', ofSize(1))).toBe(false);
  expect((await kept(store)).sizes).toEqual([
    ['a', undefined],
    ['b', 512 * MEBIBYTE],
    ['c', undefined],
  ]);
  store.delete('b');
  expect(await add(store, 'd', ofSize(1))).toBe(true);
});

test('where the browser refuses the bytes, it keeps that there was a file', async () => {
  const { store } = openTab();
  const put = IDBObjectStore.prototype.put;
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
    this: IDBObjectStore,
    ...given: Parameters<typeof put>
  ) {
    if (this.name === 'bytes') throw new DOMException('full', 'QuotaExceededError');
    return put.apply(this, given);
  });
  expect(await add(store, 'a', ofSize(3))).toBe(false);
  expect((await kept(store)).sizes).toEqual([['a', undefined]]);
});

test('a tab takes over what a tab left that is gone, and nothing of one that is there', async () => {
  const [gone, there] = [openTab(), openTab()];
  await add(gone.store, 'a', ofSize(1));
  gone.store.putParcel(ME, {
    ...{ ref: 'm', room_id: 'lobby', body: '', reply_to: null },
    uploads: ['a'],
  });
  await add(there.store, 'b', ofSize(2));
  const { store } = openTab();
  expect(await kept(store)).toEqual({ sizes: [], parcels: [] });
  gone.end();
  const taken = await kept(store);
  expect(taken.sizes).toEqual([['a', 1]]);
  expect(taken.parcels).toHaveLength(1);
});

test('who logs out leaves nothing, and other users of the machine keep theirs', async () => {
  const { store } = openTab();
  await add(store, 'a', ofSize(1));
  await store.add('bob-id', newUpload('b', 'lobby', 'lobby'), ofSize(2));
  store.forget(ME);
  expect((await kept(store)).sizes).toEqual([]);
  expect((await store.restore('bob-id')).uploads).toHaveLength(1);
});
