import type { BlocksApi } from 'tailwire-client/wire/api/blocks';
import { beforeEach, expect, test } from 'vitest';
import { Blocks } from '../../src/rooms/blocks';
import { settled } from '../doubles/manual_clock';
import { Page } from '../doubles/page';
import { ME, MemoryStorage } from '../make';

let page: Page;

const bob = { id: 'bob-id', username: 'bob', display_name: 'Bob' };
const listOf = (...items: object[]) => ({ body: { items, next_cursor: null } });

beforeEach(() => {
  page = new Page();
  page.http.on('GET /users/me/blocks', listOf(bob));
});

async function goLive(features: string[]): Promise<void> {
  page.session.start();
  page.session.membership.open('lobby');
  await settled();
  page.server.socket.makeReady({}, { features });
  await settled();
}

test('whom the user blocked is known after the connection is made, and again after each', async () => {
  await goLive(['blocks']);
  expect(page.session.blocks.has('bob-id')).toBe(true);
  page.http.on('GET /users/me/blocks', listOf());
  await page.session.blocks.load();
  expect(page.session.blocks.has('bob-id')).toBe(false);
});

test('a server without blocks is not asked', async () => {
  await goLive([]);
  expect(page.http.sent('GET /users/me/blocks')).toEqual([]);
});

test('a block that is made while the list is on its way is not lost', async () => {
  const answer = page.hold('GET /users/me/blocks', () => listOf());
  page.http.on('PUT /users/me/blocks/carol-id', { status: 204 });
  const loaded = page.session.blocks.load();
  await settled();
  await page.session.blocks.set('carol-id', true);
  expect(page.session.blocks.has('carol-id')).toBe(true);
  page.http.on('GET /users/me/blocks', listOf({ ...bob, id: 'carol-id' }));
  answer();
  await loaded;
  expect(page.session.blocks.has('carol-id')).toBe(true);
});

test('a refused block changes nothing', async () => {
  page.http.on('PUT /users/me/blocks/bob-id', { status: 422, body: { code: 'limit' } });
  await expect(page.session.blocks.set('bob-id', true)).rejects.toMatchObject({ code: 'limit' });
  expect(page.session.blocks.has('bob-id')).toBe(false);
});

test('nobody sees who types whom they blocked', async () => {
  await goLive(['blocks']);
  page.live(10);
  const typing = { type: 'typing', room_id: 'lobby' };
  page.emit({ ...typing, user_id: 'bob-id', username: 'bob' });
  page.emit({ ...typing, user_id: 'carol-id', username: 'carol' });
  expect(page.session.typing.in('lobby')).toEqual([{ user_id: 'carol-id', username: 'carol' }]);
});

test('who was blocked is known at once after a reload, and is forgotten at log-out', async () => {
  const storage = new MemoryStorage();
  const list = async () => ({ items: [bob], next_cursor: null });
  const api = { list } as unknown as BlocksApi;
  const first = new Blocks(api, storage, ME);
  expect([first.isUnknown(), first.has('bob-id')]).toEqual([true, false]);
  await first.load();
  expect([first.isUnknown(), first.has('bob-id')]).toEqual([false, true]);
  const second = new Blocks(api, storage, ME);
  expect([second.isUnknown(), second.has('bob-id')]).toEqual([false, true]);
  second.forget();
  expect(new Blocks(api, storage, ME).isUnknown()).toBe(true);
});

test('nothing waits for the blocks of a server that has none, or does not answer', async () => {
  expect(page.session.blocks.isUnknown()).toBe(true);
  await goLive([]);
  expect(page.session.blocks.isUnknown()).toBe(false);
  page = new Page();
  page.http.on('GET /users/me/blocks', { status: 503, body: { code: 'unavailable' } });
  await goLive(['blocks']);
  expect(page.session.blocks.isUnknown()).toBe(false);
});
