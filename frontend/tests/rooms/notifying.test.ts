import type { Notify } from 'tailwire-client/wire/protocol';
import { beforeEach, expect, test, vi } from 'vitest';
import { settled } from '../doubles/manual_clock';
import { Page } from '../doubles/page';
import { ReadChannels } from '../doubles/read_channels';
import { ME, makeEvent, makeRoom } from '../make';

let page: Page;

beforeEach(() => {
  page = new Page();
});

const ALL: Notify = { level: 'all', muted_until: null };
const MENTIONS: Notify = { level: 'mentions', muted_until: null };
const NONE: Notify = { level: 'none', muted_until: null };
const mention = { mentions: [ME] };
const texts = (one = page) => one.desk.notices.map(({ title, text }) => `${title}: ${text}`);

async function begin(one = page, notify: Notify = MENTIONS): Promise<void> {
  one.serve(makeRoom({ notify, mention_count: 0 }));
  one.focused.value = false;
  await one.goLive();
  one.live(10);
  await vi.waitFor(() => expect(one.session.notifying.loaded).not.toBeNull());
}

async function pass(one = page): Promise<void> {
  await one.clock.advance(500);
  await settled();
}

test.each<[Notify, Record<string, unknown>, boolean]>([
  [MENTIONS, mention, true],
  [MENTIONS, { mentions_all: true }, true],
  [MENTIONS, { mentions: ['carol-id'] }, false],
  [MENTIONS, {}, false],
  [ALL, {}, true],
  [NONE, mention, false],
  [{ ...ALL, muted_until: '9999-12-31T00:00:00.000Z' }, mention, false],
  [{ ...ALL, muted_until: '1970-01-01T00:00:01.000Z' }, mention, true],
])('with the setting %j a message with %j is noticed: %s', async (notify, fields, noticed) => {
  await begin(page, notify);
  page.emit(makeEvent(11, fields));
  await pass();
  expect(texts()).toEqual(noticed ? ['bob in Lobby: message 11'] : []);
});

test('a message of a hook is noticed under the name that it asks for', async () => {
  await begin(page, ALL);
  page.emit(makeEvent(11, { is_bot: true, shown_as: { name: 'Grafana', icon_url: null } }));
  await pass();
  expect(texts()).toEqual(['Grafana in Lobby: message 11']);
});

test('nobody is noticed of what they wrote themselves', async () => {
  await begin(page, ALL);
  page.emit(makeEvent(11, { user_id: ME, mentions_all: true }));
  await pass();
  expect(texts()).toEqual([]);
});

test('nothing is noticed of the room that is looked at, here or in another tab', async () => {
  const channels = new ReadChannels();
  page = new Page(channels);
  const other = new Page(channels);
  await begin(page);
  await begin(other);
  page.focused.value = true;
  for (const one of [page, other]) one.emit(makeEvent(11, mention));
  await pass();
  await pass(other);
  expect([...texts(), ...texts(other)]).toEqual([]);
});

test('of what somebody writes whom the user blocked there is no notice', async () => {
  await begin(page, ALL);
  page.http.on('PUT /users/me/blocks/bob-id', { status: 204 });
  await page.session.blocks.set('bob-id', true);
  page.emit(makeEvent(11, mention));
  await pass();
  expect(texts()).toEqual([]);
});

test('of two tabs one shows the notice', async () => {
  const channels = new ReadChannels();
  page = new Page(channels);
  const other = new Page(channels);
  await begin(page);
  await begin(other);
  for (const one of [page, other]) one.emit(makeEvent(11, mention));
  await pass();
  await pass(other);
  expect([...texts(), ...texts(other)]).toEqual(['bob in Lobby: message 11']);
});

test('what was read elsewhere meanwhile, or deleted, is not noticed', async () => {
  await begin();
  page.emit(makeEvent(11, mention));
  page.emit({
    type: 'read',
    room_id: 'lobby',
    user_id: ME,
    username: 'a',
    epoch: 'e1',
    read_seq: 11,
  });
  await pass();
  page.emit(makeEvent(12, mention));
  page.emit(makeEvent(13, { type: 'delete', target: 12 }));
  await pass();
  expect(texts()).toEqual([]);
});

test('of several at once the last is noticed, and a mention before what is none', async () => {
  await begin(page, ALL);
  for (const seq of [11, 12]) page.emit(makeEvent(seq));
  await pass();
  page.emit(makeEvent(13, mention));
  page.emit(makeEvent(14));
  await pass();
  expect(texts()).toEqual(['bob in Lobby: message 12', 'bob in Lobby: message 13']);
});

test('of what was missed the last is noticed when all of it has come', async () => {
  await begin();
  await page.reconnect();
  for (const seq of [11, 12]) page.emit(makeEvent(seq, mention));
  await pass();
  expect(texts()).toEqual([]);
  page.live(12);
  await pass();
  expect(texts()).toEqual(['bob in Lobby: message 12']);
});

test('what was written is not told where the user does not want it', async () => {
  page.desk.tells = false;
  await begin();
  page.emit(makeEvent(11, { ...mention, body: 'a secret' }));
  await pass();
  expect(texts()).toEqual(['Lobby: bob mentioned you']);
});

test('a notice leads to its message', async () => {
  await begin();
  page.emit(makeEvent(11, mention));
  await pass();
  page.desk.notices[0]?.onOpen();
  expect(page.desk.opened).toEqual([['lobby', 11]]);
});

test('the level follows what was set in another window', async () => {
  await begin();
  page.emit({
    type: 'notifications',
    room_id: 'lobby',
    user_id: ME,
    level: 'none',
    muted_until: null,
  });
  expect(page.room()?.notify).toEqual(NONE);
  page.emit(makeEvent(11, mention));
  await pass();
  expect(texts()).toEqual([]);
});
