import { beforeEach, expect, test } from 'vitest';
import { wants } from '../../src/rooms/level';
import { settled } from '../doubles/manual_clock';
import { Page } from '../doubles/page';
import { ME, makeEvent, makePage, makeRoom } from '../make';

const users = [
  { id: ME, username: 'alice', display_name: 'Alice' },
  { id: 'bob-id', username: 'bob', display_name: 'Bob' },
];
const direct = makeRoom({
  ...{ id: 'd1', kind: 'direct', name: '', users, visibility: 'private' },
});

let page: Page;

beforeEach(async () => {
  page = new Page();
  page.http.on('GET /rooms/d1/messages', { body: makePage([]) });
  await page.goLive();
});

test('a direct room with one other, and with several, is opened, and is in the list', async () => {
  page.http.on('PUT /direct/bob-id', { body: direct });
  page.http.on('POST /direct', { status: 201, body: { ...direct, id: 'd2' } });
  expect((await page.session.membership.direct(['bob-id'])).id).toBe('d1');
  expect((await page.session.membership.direct(['bob-id', 'eve-id'])).id).toBe('d2');
  expect(page.http.sent('POST /direct')[0]?.body).toEqual({ user_ids: ['bob-id', 'eve-id'] });
  expect(page.session.roomList.order.value.map(({ id }) => id)).toContain('d1');
});

test('a direct room that somebody else opened comes without news: its message says enough', async () => {
  page.serve(makeRoom(), direct);
  page.emit({ type: 'membership', room_id: 'd1', role: 'member', reason: 'added', by: 'bob-id' });
  await page.clock.advance(1_000);
  await settled();
  expect(page.room('d1')?.users).toEqual(users);
  expect(page.session.news.items.value).toEqual([]);
});

test('what is said in a direct room is told as a mention is, unless it is muted', () => {
  const now = new Date();
  expect([wants(direct, false, now), wants(makeRoom(), false, now)]).toEqual([true, false]);
  const notify = { level: 'none' as const, muted_until: null };
  expect(wants({ ...direct, notify }, false, now)).toBe(false);
});

test('an invite leads into its room', async () => {
  page.http.on('POST /invites/c0de/accept', { body: makeRoom({ id: 'den', name: 'Den' }) });
  await page.session.membership.accept('c0de');
  expect(page.room('den')?.name).toBe('Den');
  expect(page.session.news.items.value).toEqual([]);
});

test('a direct room that is hidden comes back with its next message, and another room does not', async () => {
  const place = { favourite: true, section: null, hidden: true };
  page.serve(makeRoom({ place }), { ...direct, place });
  await page.session.membership.load();
  page.live(10, 'd1');
  page.live(10);
  page.emit(makeEvent(11, { room_id: 'd1' }));
  page.emit(makeEvent(11));
  expect(page.room('d1')?.place).toEqual({ ...place, hidden: false });
  expect(page.room()?.place?.hidden).toBe(true);
});

test('a direct room tells the names and pictures of who is in it, and a newer answer tells newer ones', async () => {
  const { membership, names } = page.session;
  const bob = { user_id: 'bob-id', username: 'bob' };
  expect(names.of(bob)).toBe('bob');
  page.serve(makeRoom(), direct);
  await membership.load();
  expect(names.of(bob)).toBe('Bob');
  const robert = { id: 'bob-id', username: 'bob', display_name: 'Robert', avatar: 'p' };
  page.serve(makeRoom(), { ...direct, users: [robert] });
  await membership.ask(['d1']);
  expect(names.of(bob)).toBe('Robert');
  expect(names.avatarOf('bob-id')).toBe('p');
});
