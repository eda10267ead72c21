/** Files that are sent: in parts, through breaks and reloads, and each message once. */

import type { Given } from 'tailwire-client/rooms/pending';
import { Problem, unreachable } from 'tailwire-client/wire/problem';
import { beforeEach, expect, test } from 'vitest';
import { MOST_FILES, Uploads } from '../../src/rooms/uploads';
import { FakeFiles, FakeUploadsStore } from '../doubles/fake_files';
import { ManualClock, settled } from '../doubles/manual_clock';

const MEGABYTE = 1024 * 1024;

let clock: ManualClock;
let files: FakeFiles;
let store: FakeUploadsStore;
let said: string[];
let given: Given[];
let refs: number;
let uploads: Uploads;

function open(): Uploads {
  return new Uploads({
    ...{ user_id: 'alice', api: files, clock, store },
    makeRef: () => `ref-${++refs}`,
    mostBytes: () => 100 * MEGABYTE,
    say: (_, body) => said.push(body),
    give: (command) => given.push(command),
  });
}

beforeEach(() => {
  clock = new ManualClock();
  files = new FakeFiles();
  store = new FakeUploadsStore();
  said = [];
  given = [];
  refs = 0;
  uploads = open();
});

function makeFile(name: string, size = 10): File {
  return new File([new Uint8Array(size)], name, { type: 'text/plain' });
}

async function all(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await settled();
}

function hold(): () => void {
  let release: () => void = () => {};
  files.gate = new Promise((resolve) => {
    release = resolve;
  });
  return release;
}

const states = () => uploads.items.value.map(({ state }) => state);

test('a message without files is sent at once', () => {
  uploads.say('lobby', 'hello', null, 'lobby');
  expect(said).toEqual(['hello']);
  expect(given).toEqual([]);
});

test('a message waits for its files, and then goes the way of all messages', async () => {
  const release = hold();
  uploads.add('lobby', 'lobby', [makeFile('a.txt'), makeFile('b.txt')]);
  uploads.say('lobby', 'look', 7, 'lobby');
  await all();
  expect(given).toEqual([]);
  expect(uploads.in('lobby')).toEqual([]);
  release();
  await all();
  const command = { type: 'send', room_id: 'lobby', body: 'look', reply_to: 7 };
  expect(given).toEqual([{ ...command, ref: 'ref-3', files: ['file-1', 'file-2'] }]);
  expect([uploads.items.value, uploads.parcels.value]).toEqual([[], []]);
  expect([store.uploads.size, store.parcels.size]).toEqual([0, 0]);
  expect(uploads.shown(['file-1', 'file-2']).map(({ name }) => name)).toEqual(['a.txt', 'b.txt']);
});

test('a large file goes in parts that become larger', async () => {
  uploads.add('lobby', 'lobby', [makeFile('film', 2 * MEGABYTE)]);
  await all();
  expect(states()).toEqual(['whole']);
  const sizes = files.kept.get('file-1')?.parts.map(({ size }) => size / MEGABYTE);
  expect(sizes).toEqual([0.25, 0.5, 1, 0.25]);
});

test('an upload goes on where it was after a break, also where only the answer was lost', async () => {
  files.losesAnswer = true;
  uploads.add('lobby', 'lobby', [makeFile('film', MEGABYTE)]);
  await all();
  expect(states()).toEqual(['waiting']);
  files.requests.length = 0;
  uploads.again();
  await all();
  expect(files.requests).toEqual(['state', `part ${MEGABYTE / 4}`, `part ${MEGABYTE / 2}`]);
  expect(states()).toEqual(['whole']);
});

test('without a connection an upload is tried again by itself', async () => {
  files.failures = [unreachable(), unreachable()];
  uploads.add('lobby', 'lobby', [makeFile('a.txt')]);
  await all();
  expect(states()).toEqual(['waiting']);
  await clock.advance(60_000);
  await all();
  expect(states()).toEqual(['whole']);
});

test('a request that begins an upload and is stuck is given up', async () => {
  const release = hold();
  uploads.add('lobby', 'lobby', [makeFile('film', MEGABYTE)]);
  await clock.advance(60_000);
  release();
  await all();
  expect(states()).toEqual(['waiting']);
});

test('after a reload, uploads go on and the message that waits for them is sent', async () => {
  hold();
  uploads.add('lobby', 'lobby', [makeFile('film', MEGABYTE)]);
  uploads.say('lobby', '', null, 'lobby');
  await all();
  uploads.stop();
  files.gate = Promise.resolve();
  uploads = open();
  await uploads.start();
  await all();
  expect(given).toEqual([
    { type: 'send', ref: 'ref-2', room_id: 'lobby', body: '', files: ['file-1'] },
  ]);
});

test('files of a draft are there after a reload, in the order in which they were chosen', async () => {
  uploads.add('lobby', 'lobby', [makeFile('a.txt'), makeFile('b.txt')]);
  await all();
  uploads = open();
  store.uploads = new Map([...store.uploads].reverse());
  await uploads.start();
  expect(uploads.in('lobby').map(({ name, state }) => [name, state])).toEqual([
    ['a.txt', 'whole'],
    ['b.txt', 'whole'],
  ]);
});

test('a message that was given before the page ended is given with the same ref', async () => {
  uploads.add('lobby', 'lobby', [makeFile('a.txt')]);
  await all();
  const kept = new Map(store.uploads);
  uploads.say('lobby', 'once', null, 'lobby');
  await all();
  for (const [id, { upload, bytes }] of kept)
    store.uploads.set(id, { upload: { ...upload, ref: 'ref-2' }, bytes });
  const parcel = { ref: 'ref-2', room_id: 'lobby', body: 'once', reply_to: null };
  store.putParcel('alice', { ...parcel, uploads: ['ref-1'] });
  uploads = open();
  await uploads.start();
  await all();
  expect(given.map(({ ref }) => ref)).toEqual(['ref-2', 'ref-2']);
});

test('what is too large is refused by name, and the others are taken', async () => {
  uploads.add('lobby', 'lobby', [makeFile('huge', 101 * MEGABYTE), makeFile('a.txt')]);
  expect(uploads.notice.value).toBe(
    '“huge” is too large: 105.9 MB, and this server takes up to 104.9 MB.',
  );
  expect(uploads.in('lobby').map(({ name }) => name)).toEqual(['a.txt']);
});

test('a message takes ten files', () => {
  const many = Array.from({ length: MOST_FILES + 1 }, (_, number) => makeFile(`${number}`));
  uploads.add('lobby', 'lobby', many);
  expect(uploads.in('lobby')).toHaveLength(MOST_FILES);
  expect(uploads.notice.value).toBe('A message has 10 files at most.');
});

test('what the server refuses says why, and is tried again when the user wants it', async () => {
  files.failures = [new Problem({ status: 507, code: 'quota', detail: 'You have no space left' })];
  uploads.add('lobby', 'lobby', [makeFile('a.txt')]);
  uploads.say('lobby', 'look', null, 'lobby');
  await all();
  expect(uploads.items.value.map(({ state, error }) => [state, error])).toEqual([
    ['failed', 'You have no space left.'],
  ]);
  uploads.retry('ref-1');
  await all();
  expect(given).toHaveLength(1);
});

test('a file that the server refuses for what is in it is not tried again', async () => {
  files.failures = [new Problem({ status: 422, code: 'bad_file', detail: 'This is no picture' })];
  uploads.add('lobby', 'lobby', [makeFile('a.heic')]);
  await all();
  uploads.retry('ref-1');
  await all();
  expect(uploads.items.value.map(({ state, error, refused }) => [state, error, refused])).toEqual([
    ['failed', 'This is no picture.', true],
  ]);
});

test('an upload that the server has swept away begins anew', async () => {
  files.losesAnswer = true;
  uploads.add('lobby', 'lobby', [makeFile('film', MEGABYTE)]);
  await all();
  files.kept.clear();
  uploads.again();
  await all();
  await clock.advance(60_000);
  await all();
  expect(states()).toEqual(['whole']);
});

test('a file that is removed is given up, and its message goes without it', async () => {
  const release = hold();
  uploads.add('lobby', 'lobby', [makeFile('a.txt'), makeFile('b.txt')]);
  uploads.say('lobby', 'look', null, 'lobby');
  await settled();
  uploads.remove('ref-1');
  release();
  await all();
  expect(given).toMatchObject([{ body: 'look', files: ['file-1'] }]);
  expect(files.kept.get('file-1')?.name).toBe('b.txt');
});

test('a message that is nothing without its file is gone with it', async () => {
  files.failures = [new Problem({ status: 422, code: 'bad_file' })];
  uploads.add('lobby', 'lobby', [makeFile('a.txt')]);
  uploads.say('lobby', '', null, 'lobby');
  await all();
  uploads.remove('ref-1');
  expect(uploads.parcels.value).toEqual([]);
  expect(given).toEqual([]);
});

test('what a picture shows is told before it is sent', async () => {
  uploads.add('lobby', 'lobby', [makeFile('a.txt')]);
  await all();
  uploads.describe('ref-1', 'a cat');
  uploads.say('lobby', '', null, 'lobby');
  await all();
  expect(files.kept.get('file-1')?.alt).toBe('a cat');
  expect(given).toHaveLength(1);
});

test('where the browser has no space, the file is sent all the same, and the user is told', async () => {
  store.isFull = true;
  uploads.add('lobby', 'lobby', [makeFile('a.txt')]);
  uploads.say('lobby', '', null, 'lobby');
  await all();
  expect(given).toHaveLength(1);
  uploads.add('lobby', 'lobby', [makeFile('b.txt')]);
  await all();
  expect(uploads.notice.value).toContain('“b.txt” is sent while this page is open');
});

test('a message whose file was lost with the page is not sent without it, unless one wants that', async () => {
  store.isFull = true;
  const release = hold();
  uploads.add('lobby', 'lobby', [makeFile('a.txt'), makeFile('b.txt')]);
  uploads.say('lobby', 'see attached', null, 'lobby');
  await all();
  uploads.stop();
  uploads = open();
  await uploads.start();
  release();
  await all();
  expect(given).toEqual([]);
  expect(uploads.of('ref-3').map(({ name, state, error }) => [name, state, error])).toEqual([
    ['a.txt', 'failed', expect.stringContaining('lost with the page')],
    ['b.txt', 'failed', expect.stringContaining('lost with the page')],
  ]);
  expect(uploads.bytesOf('ref-1')).toBeUndefined();
  for (const id of ['ref-1', 'ref-2']) uploads.remove(id);
  await all();
  expect(given).toMatchObject([{ ref: 'ref-3', body: 'see attached', files: [] }]);
  expect([store.uploads.size, store.parcels.size]).toEqual([0, 0]);
});

test('a message of whose files nothing was kept is not sent without them', async () => {
  const parcel = { ref: 'ref-9', room_id: 'lobby', body: 'see attached', reply_to: null };
  store.putParcel('alice', { ...parcel, uploads: ['ref-7', 'ref-8'] });
  await uploads.start();
  uploads.remove('ref-7');
  await all();
  expect(given).toEqual([]);
  expect(store.parcels.get('ref-9')?.uploads).toEqual(['ref-8']);
  expect(uploads.of('ref-9').map(({ state }) => state)).toEqual(['failed']);
});

test('what the server has of a draft needs no bytes after a reload', async () => {
  store.isFull = true;
  uploads.add('lobby', 'lobby', [makeFile('a.txt'), makeFile('b.txt')]);
  await all();
  uploads.stop();
  uploads = open();
  await uploads.start();
  uploads.say('lobby', 'look', null, 'lobby');
  await all();
  expect(given).toMatchObject([{ body: 'look', files: ['file-1', 'file-2'] }]);
});

test('a page that ended while a message was sent leaves it whole, or done', async () => {
  uploads.add('lobby', 'lobby', [makeFile('a.txt'), makeFile('b.txt')]);
  await all();
  const kept = [...store.uploads];
  // The one stands in a message that was kept before its upload knew of it, the other in one that was given already.
  const parcel = { ref: 'ref-3', room_id: 'lobby', body: 'look', reply_to: null };
  store.putParcel('alice', { ...parcel, uploads: ['ref-1'] });
  const [[, other] = []] = kept.slice(1);
  if (other) store.uploads.set('ref-2', { ...other, upload: { ...other.upload, ref: 'ref-0' } });
  uploads.stop();
  uploads = open();
  await uploads.start();
  await all();
  expect(given).toMatchObject([{ ref: 'ref-3', files: ['file-1'] }]);
  expect([uploads.items.value, store.uploads.size]).toEqual([[], 0]);
});

test('a file that is taken away while its message is about to go is not sent', async () => {
  uploads.add('lobby', 'lobby', [makeFile('a.txt'), makeFile('b.txt')]);
  await all();
  uploads.describe('ref-1', 'a cat');
  const release = hold();
  uploads.say('lobby', 'look', null, 'lobby');
  await settled();
  uploads.remove('ref-2');
  release();
  await all();
  expect(given).toMatchObject([{ body: 'look', files: ['file-1'] }]);
});

test('who logs out leaves nothing', async () => {
  uploads.add('lobby', 'lobby', [makeFile('a.txt')]);
  await all();
  uploads.forget();
  expect([uploads.items.value, store.uploads.size]).toEqual([[], 0]);
});
