import { settingsOf } from 'tailwire-client/rooms/settings';
import { beforeEach, expect, test } from 'vitest';
import { differing, RoomChanges } from '../../src/rooms/room_changes';
import { Page } from '../doubles/page';
import { makeRoom } from '../make';

let page: Page;
let changes: RoomChanges;

beforeEach(() => {
  page = new Page();
  changes = new RoomChanges(page.session.publicRooms, page.session.rooms);
});

test('what a server does not tell has its default', () => {
  expect(settingsOf(makeRoom({ topic: null }))).toEqual({
    ...{ name: 'Lobby', topic: '', visibility: 'public' },
    ...{ archived: false, slow_seconds: 0, post_role: 'member', avatar: '' },
  });
});

test('only what differs is a change', () => {
  const room = makeRoom({ topic: null, slow_seconds: 30 });
  expect(differing(room, { name: 'Lobby', topic: '', slow_seconds: 30 })).toEqual({});
  expect(differing(room, { topic: 'Tea', slow_seconds: 0 })).toEqual({
    ...{ topic: 'Tea', slow_seconds: 0 },
  });
});

test('a change is sent alone, and shown before its entry comes', async () => {
  await page.goLive();
  page.http.on('PATCH /rooms/lobby', { body: makeRoom({ topic: 'Tea', seq: 11 }) });
  await changes.save('lobby', { topic: 'Tea' });
  expect(page.http.sent('PATCH /rooms/lobby')[0]?.body).toEqual({ topic: 'Tea' });
  expect(page.room()?.topic).toBe('Tea');
  expect(page.room()?.seq).toBe(10);
});

test('an answer that is older than what came since changes nothing', async () => {
  await page.goLive();
  const answer = page.hold('PATCH /rooms/lobby', () => ({
    body: makeRoom({ topic: 'Tea', seq: 11 }),
  }));
  const saved = changes.save('lobby', { topic: 'Tea' });
  page.live(10);
  const entry = { type: 'room', room_id: 'lobby', at: '2026-01-05T12:00:00.000Z' };
  const by = { user_id: 'bob-id', username: 'bob', name: 'Lobby', visibility: 'public' };
  page.emit({ ...entry, ...by, seq: 11, topic: 'Tea' });
  page.emit({ ...entry, ...by, seq: 12, topic: 'Coffee', slow_seconds: 30 });
  answer();
  await saved;
  expect(page.room()?.topic).toBe('Coffee');
  expect(page.room()?.slow_seconds).toBe(30);
});
