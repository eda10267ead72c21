import { beforeEach, expect, test } from 'vitest';
import { Places } from '../../src/rooms/places';
import { placeOf } from '../../src/rooms/room_list';
import { settled } from '../doubles/manual_clock';
import { Page } from '../doubles/page';
import { makeRoom } from '../make';

const PUT = 'PUT /rooms/lobby/place';
let page: Page;

const place = () => placeOf(page.room() ?? {});
const set = (change: object) => new Places(page.session).set(page.room() ?? makeRoom(), change);

beforeEach(async () => {
  page = new Page();
  await page.goLive();
});

test('a place is shown at once, and told with what stays', async () => {
  page.http.on(PUT, { status: 204 });
  await set({ section: 'Work' });
  const setting = set({ favourite: true });
  expect(place()).toEqual({ favourite: true, section: 'Work', hidden: false });
  await setting;
  expect(page.http.sent(PUT).map(({ body }) => body)).toEqual([
    { favourite: false, section: 'Work', hidden: false },
    { favourite: true, section: 'Work', hidden: false },
  ]);
  expect(page.session.roomList.error.value).toBe('');
});

test('a refused place is taken back, and said', async () => {
  page.http.on(PUT, { status: 422, body: { code: 'limit' } });
  await set({ hidden: true });
  expect(place().hidden).toBe(false);
  expect(page.session.roomList.error.value).toBe('A limit of this server has been reached.');
});

test('a refusal does not take back what was set after it', async () => {
  const refuse = page.hold(PUT, () => ({ status: 503, body: { code: 'unavailable' } }));
  const first = set({ hidden: true });
  await settled();
  page.http.on(PUT, { status: 204 });
  await set({ favourite: true });
  refuse();
  await first;
  expect(place()).toEqual({ favourite: true, section: null, hidden: true });
});

test('a list of rooms that was asked for before does not take it back', async () => {
  page.http.on(PUT, { status: 204 });
  const answer = page.hold('GET /rooms', () => ({
    body: { items: [makeRoom()], next_cursor: null },
  }));
  const loading = page.session.membership.load();
  await settled();
  await set({ favourite: true });
  answer();
  await loading;
  expect(place().favourite).toBe(true);
});

test('a place that was set in another window is shown', () => {
  const event = {
    type: 'place',
    room_id: 'lobby',
    favourite: true,
    section: 'Work',
    hidden: false,
  };
  page.emit(event);
  expect(place()).toEqual({ favourite: true, section: 'Work', hidden: false });
  page.emit({ ...event, section: null });
  expect(place().section).toBeNull();
});

test('all rooms of a section go along when it is renamed, and those that are refused stay', async () => {
  const { rooms } = page.session;
  for (const id of ['lobby', 'plans', 'news'])
    rooms.put(makeRoom({ id, place: { favourite: false, section: 'Work', hidden: false } }));
  page.http.on(PUT, { status: 204 });
  page.http.on('PUT /rooms/plans/place', { status: 204 });
  page.http.on('PUT /rooms/news/place', { status: 429, body: { code: 'rate_limited' } });
  await new Places(page.session).rename('Work', 'Job');
  const sections = ['lobby', 'plans', 'news'].map((id) => placeOf(rooms.get(id) ?? {}).section);
  expect(sections).toEqual(['Job', 'Job', 'Work']);
  expect(page.session.roomList.error.value).not.toBe('');
});
