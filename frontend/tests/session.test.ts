import { signal } from '@preact/signals';
import { Api } from 'tailwire-client/wire/api/api';
import type { Room } from 'tailwire-client/wire/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { createSession, type Session } from '../src/session';
import { TokenStore } from '../src/wire/tokens';
import { FakeDesk, sharedBy } from './doubles/fake_desk';
import { FakeOutboxStore } from './doubles/fake_outbox_store';
import { ManualClock, settled } from './doubles/manual_clock';
import { ReadChannels } from './doubles/read_channels';
import { type RecordedRequest, ScriptedApi } from './doubles/scripted_api';
import { ScriptedServer } from './doubles/scripted_socket';
import { makeTab } from './doubles/tab';
import { AT, ME, makeEvent, makeMessage, makePage, makeRoom } from './make';

let clock: ManualClock;
let server: ScriptedServer;
let http: ScriptedApi;
let session: Session;
let outboxStore: FakeOutboxStore;
let focused = signal(true);
let visible = signal(true);
let channels: ReadChannels;

beforeEach(() => {
  clock = new ManualClock();
  server = new ScriptedServer();
  outboxStore = new FakeOutboxStore();
  focused = signal(true);
  visible = signal(true);
  channels = new ReadChannels();
  http = new ScriptedApi()
    .on('GET /rooms', rooms(makeRoom()))
    .on('GET /rooms/lobby', { body: makeRoom() })
    .on('GET /rooms/lobby/messages', { body: makePage([8, 9, 10]) })
    .on('PUT /rooms/lobby/read', { status: 204 });
  const tokens = new TokenStore(clock, null);
  tokens.signedIn({ access_token: 'a', refresh_token: 'r', token_type: 'bearer', expires_in: 900 });
  let refs = 0;
  session = createSession({
    user_id: ME,
    api: new Api('https://chat.example/', tokens, http.fetch),
    page: 'https://chat.example/',
    clock,
    outboxStore,
    tab: makeTab(clock),
    focused,
    visible,
    readChannel: channels.open(),
    desk: new FakeDesk(),
    shared: sharedBy(channels.storage),
    token: () => Promise.resolve('a'),
    renewIn: () => 14 * 60_000,
    WebSocket: server.WebSocket,
    isOnline: () => true,
    makeRef: () => `ref-${++refs}`,
    onEnded: () => {},
  });
});

/** Answers lists of the user's rooms, and questions for some of them. */
function rooms(...items: Room[]) {
  return ({ query }: RecordedRequest) => {
    const ids = query.get('ids')?.split(',');
    return {
      body: { items: items.filter(({ id }) => ids?.includes(id) ?? true), next_cursor: null },
    };
  };
}

async function goLive(open: string | null = 'lobby'): Promise<void> {
  session.start();
  session.membership.open(open);
  await settled();
  server.socket.makeReady();
  await settled();
}

async function reconnect(): Promise<void> {
  server.socket.drop();
  await clock.advance(1_000);
  server.socket.makeReady();
  await settled();
}

const live = (seq: number, room_id = 'lobby') =>
  server.socket.emit({ type: 'live', room_id, epoch: 'e1', seq });
const shown = () => session.timelines.get('lobby')?.value.entries.map(({ seq }) => seq);
const position = () => {
  const { epoch, seq } = session.timelines.get('lobby')?.value ?? {};
  return { epoch, seq };
};
const emit = (event: object) => server.socket.emit(event as Record<string, unknown>);

describe('subscribing', () => {
  test('each room is resumed from the position that the list told', async () => {
    await goLive();
    expect(server.socket.sent('subscribe')).toMatchObject([
      { room_id: 'lobby', since: { epoch: 'e1', seq: 10 } },
    ]);
  });

  test('after a loss a room is resumed from the last seq that was applied', async () => {
    await goLive();
    live(10);
    emit(makeEvent(11));
    emit(makeEvent(12));
    await reconnect();
    expect(server.socket.sent('subscribe')).toMatchObject([{ since: { epoch: 'e1', seq: 12 } }]);
  });

  test('what is replayed twice is shown once', async () => {
    await goLive();
    live(10);
    emit(makeEvent(11));
    await reconnect();
    emit(makeEvent(11));
    emit(makeEvent(12));
    live(12);
    expect(shown()).toEqual([8, 9, 10, 11, 12]);
  });

  test('a hole in the log asks again from before the hole', async () => {
    await goLive();
    live(10);
    emit(makeEvent(12));
    expect(server.socket.sent('unsubscribe')).toHaveLength(1);
    expect(server.socket.sent('subscribe').at(-1)).toMatchObject({ since: { seq: 10 } });
    emit(makeEvent(13));
    emit(makeEvent(11));
    emit(makeEvent(12));
    emit(makeEvent(13));
    live(13);
    expect(shown()).toEqual([8, 9, 10, 11, 12, 13]);
  });

  test('a renewed ready subscribes to nothing twice', async () => {
    await goLive();
    server.socket.makeReady();
    expect(server.socket.sent('subscribe')).toHaveLength(1);
  });

  test('no more rooms than the limit are asked for, the open one among them', async () => {
    const five = Array.from({ length: 5 }, (_, index) =>
      makeRoom({ id: `room-${index}`, created_at: `2026-01-0${index + 1}T00:00:00.000Z` }),
    );
    http.on('GET /rooms', rooms(...five));
    http.on('GET /rooms/room-0/messages', { body: makePage([10]) });
    session.start();
    session.membership.open('room-0');
    await settled();
    server.socket.makeReady({ subscriptions: 3 });
    expect(server.socket.sent('subscribe').map(({ room_id }) => room_id)).toEqual([
      'room-0',
      'room-4',
      'room-3',
    ]);
  });
});

describe('features', () => {
  test('are what the server names when it is ready', async () => {
    await goLive();
    expect([...session.features.value]).toEqual([]);
    server.socket.drop();
    await clock.advance(1_000);
    server.socket.makeReady({}, { features: ['edit', 'search'] });
    expect(session.features.value.has('search')).toBe(true);
  });
});

describe('reset', () => {
  test('drops the timeline and loads history of the new epoch', async () => {
    await goLive();
    http.on('GET /rooms', rooms(makeRoom({ epoch: 'e2', seq: 3 })));
    http.on('GET /rooms/lobby/messages', { body: makePage([1, 2, 3], { epoch: 'e2' }) });
    emit({ type: 'reset', room_id: 'lobby', epoch: 'e2', seq: 3 });
    await clock.advance(1_000);
    expect(shown()).toEqual([1, 2, 3]);
    emit(makeEvent(4));
    expect(position()).toEqual({ epoch: 'e2', seq: 4 });
  });

  test('within one epoch it leaves no hole, even with a page under way', async () => {
    await goLive();
    let resolve: (answer: { body: unknown }) => void = () => {};
    const promise = new Promise<{ body: unknown }>((settle) => {
      resolve = settle;
    });
    http.on('GET /rooms/lobby/messages', () => promise);
    const timeline = session.timelines.get('lobby');
    if (timeline) timeline.value = { ...timeline.value, has_older: true };
    void session.history.older('lobby');
    await settled();
    emit({ type: 'reset', room_id: 'lobby', epoch: 'e1', seq: 9_000 });
    http.on('GET /rooms/lobby/messages', { body: makePage([8_999, 9_000]) });
    resolve({ body: makePage([6, 7]) });
    await settled();
    expect(shown()).toEqual([8_999, 9_000]);
  });

  test('unacked messages survive it and are sent', async () => {
    await goLive();
    session.say('lobby', 'hello');
    const ref = session.outbox.items.value[0]?.command.ref;
    expect(server.socket.sent('send')).toEqual([]);
    emit({ type: 'reset', room_id: 'lobby', epoch: 'e2', seq: 3 });
    expect(server.socket.sent('send')).toMatchObject([{ ref, body: 'hello' }]);
  });
});

describe('an entry that this page cannot read', () => {
  const pin = (seq: number) => makeEvent(seq, { type: 'pin', target: 9 });
  const unreadable = (seq: number) => ({ type: 'unreadable', room_id: 'lobby', seq, at: null });
  const asks = () => server.socket.sent('subscribe').length;

  test.each([
    ['of a kind it does not know', pin],
    ['that the server cannot read', unreadable],
    ['of a known kind without what it must have', (seq: number) => makeEvent(seq, { body: 5 })],
  ])('%s is a step, and shows nothing', async (_, odd) => {
    await goLive();
    live(10);
    emit(odd(11));
    emit(makeEvent(12));
    expect(shown()).toEqual([8, 9, 10, 12]);
    emit(odd(13));
    expect(position()).toEqual({ epoch: 'e1', seq: 13 });
    expect(session.rooms.get('lobby')).toMatchObject({ seq: 13, unread_count: 1 });
    expect(asks()).toBe(1);
  });

  test('is a step in a replay', async () => {
    await goLive();
    live(10);
    await reconnect();
    for (const event of [makeEvent(11), pin(12), unreadable(13), makeEvent(14)]) emit(event);
    live(14);
    expect(shown()).toEqual([8, 9, 10, 11, 14]);
    expect(asks()).toBe(1);
    await reconnect();
    expect(server.socket.sent('subscribe')).toMatchObject([{ since: { epoch: 'e1', seq: 14 } }]);
  });

  test('counts for nothing that is unread', async () => {
    await goLive(null);
    live(10);
    emit(pin(11));
    emit(unreadable(12));
    expect(session.rooms.get('lobby')?.unread_count).toBe(0);
  });

  test('is behind the position after a reload', async () => {
    http.on('GET /rooms', rooms(makeRoom({ seq: 12 })));
    await goLive();
    live(12);
    emit(makeEvent(13));
    expect(shown()).toEqual([8, 9, 10, 13]);
    expect(position()).toEqual({ epoch: 'e1', seq: 13 });
  });

  test('behind a hole is no step: the client asks again from before the hole', async () => {
    await goLive();
    live(10);
    emit(pin(12));
    expect(position()).toEqual({ epoch: 'e1', seq: 10 });
    expect(server.socket.sent('subscribe').at(-1)).toMatchObject({ since: { seq: 10 } });
  });

  test('may come while a page of history is on its way', async () => {
    await goLive();
    live(10);
    const timeline = session.timelines.get('lobby');
    if (timeline) timeline.value = { ...timeline.value, has_older: true, loaded_from: 8 };
    http.on('GET /rooms/lobby/messages', { body: makePage([6, 7]) });
    const page = session.history.older('lobby');
    emit(pin(11));
    await page;
    expect(shown()).toEqual([6, 7, 8, 9, 10]);
    expect(position()).toEqual({ epoch: 'e1', seq: 11 });
  });
});

describe('live', () => {
  test.each([
    ['a later seq', { epoch: 'e1', seq: 13 }],
    ['an earlier seq', { epoch: 'e1', seq: 7 }],
    ['another epoch', { epoch: 'e2', seq: 10 }],
  ])('with %s than was applied starts the room over', async (_, place) => {
    await goLive();
    http.on('GET /rooms', rooms(makeRoom(place)));
    http.on('GET /rooms/lobby/messages', { body: makePage([1, 2], { epoch: place.epoch }) });
    emit({ type: 'live', room_id: 'lobby', ...place });
    await clock.advance(1_000);
    expect(position()).toEqual(place);
    expect(shown()).toEqual([1, 2]);
    emit(makeEvent(place.seq + 1));
    expect(position()).toEqual({ ...place, seq: place.seq + 1 });
  });
});

describe('sending', () => {
  test('unacked messages go out again after live, with their refs', async () => {
    await goLive();
    live(10);
    session.say('lobby', 'hello');
    const [first] = server.socket.sent('send');
    await reconnect();
    expect(server.socket.sent('send')).toEqual([]);
    live(10);
    expect(server.socket.sent('send')).toEqual([first]);
  });

  test('a message whose echo is in the replay is not sent again', async () => {
    await goLive();
    live(10);
    session.say('lobby', 'hello');
    const ref = server.socket.sent('send')[0]?.ref;
    await reconnect();
    emit(makeEvent(11, { user_id: ME, username: 'alice', ref, body: 'hello' }));
    live(11);
    expect(server.socket.sent('send')).toEqual([]);
    expect(session.outbox.items.value).toEqual([]);
    expect(shown()).toEqual([8, 9, 10, 11]);
  });

  test('the ref of another user settles nothing of ours', async () => {
    await goLive();
    live(10);
    session.say('lobby', 'hello');
    const ref = server.socket.sent('send')[0]?.ref;
    emit(makeEvent(11, { ref }));
    expect(session.outbox.items.value).toHaveLength(1);
  });

  test('what another tab left is not sent when its echo is here already', async () => {
    await goLive();
    live(10);
    emit(makeEvent(11, { user_id: ME, username: 'alice', ref: 'left', body: 'hello' }));
    const at = '2026-01-05T10:00:00.000Z';
    const command = { type: 'send' as const, ref: 'left', room_id: 'lobby', body: 'hello' };
    outboxStore.left = [{ command, at, state: 'waiting', seq: null, error: null, attempts: 0 }];
    await clock.advance(5_000);
    expect(session.outbox.items.value).toEqual([]);
    expect(server.socket.sent('send')).toEqual([]);
  });

  test('an error with the ref fails the message', async () => {
    await goLive();
    live(10);
    session.say('lobby', 'hello');
    const ref = server.socket.sent('send')[0]?.ref;
    emit({ type: 'error', ref, code: 'forbidden', message: 'no' });
    expect(session.outbox.items.value[0]?.state).toBe('failed');
  });
});

test('history pages settle what they show of ours', async () => {
  await goLive(null);
  session.say('lobby', 'hello');
  const ref = session.outbox.items.value[0]?.command.ref ?? '';
  http.on('GET /rooms/lobby/messages', {
    body: { items: [makeMessage(10, { user_id: ME, ref })], epoch: 'e1', has_more: false },
  });
  session.membership.open('lobby');
  await settled();
  expect(session.outbox.items.value).toEqual([]);
});

test('the list is asked for again when it cannot be loaded', async () => {
  http.on('GET /rooms', { status: 503, body: { code: 'unavailable' } });
  session.start();
  await settled();
  expect(session.rooms.failed.value).toBe(true);
  http.on('GET /rooms', rooms(makeRoom({ created_at: AT })));
  await clock.advance(3_000);
  expect(session.rooms.loaded.value).toBe(true);
});

describe('what others do', () => {
  const listed = { user_id: 'bob-id', username: 'bob', display_name: 'Bob', role: 'member' };

  beforeEach(async () => {
    const bob = { ...listed, joined_at: AT, online: true, read_seq: 8 };
    http.on('GET /rooms/lobby/members', { body: { items: [bob], next_cursor: null } });
    await goLive();
    server.socket.drop();
    await clock.advance(1_000);
    server.socket.makeReady({}, { features: ['presence', 'receipts', 'typing'] });
  });

  const seen = (seq: number) => session.receipts.seenBy('lobby', { epoch: 'e1', seq });
  const read = (seq: number, user_id = 'bob-id') =>
    emit({ type: 'read', room_id: 'lobby', user_id, username: 'bob', epoch: 'e1', read_seq: seq });

  test('is seen by lists of members, and by what comes since', async () => {
    await session.members.load('lobby');
    expect(session.presence.of('bob-id')).toBe(true);
    expect([seen(8).length, seen(9).length]).toEqual([1, 0]);
    session.presence.show(['bob-id']);
    await clock.advance(200);
    expect(server.socket.sent('watch')).toMatchObject([{ user_ids: ['bob-id'] }]);
    emit({ type: 'presence', user_id: 'bob-id', online: false });
    read(10);
    expect(session.presence.of('bob-id')).toBe(false);
    expect(seen(10)).toEqual([expect.objectContaining({ user_id: 'bob-id', username: 'bob' })]);
  });

  test('is nothing that the user has read', () => {
    read(10);
    expect(seen(10)).toHaveLength(1);
    emit(makeEvent(11));
    read(11, ME);
    expect(seen(11)).toEqual([]);
    expect(session.rooms.get('lobby')?.read_seq).toBe(11);
  });

  test('is forgotten of who leaves', () => {
    read(10);
    emit({ ...makeEvent(11), type: 'member', role: null, by: 'bob-id' });
    expect(seen(10)).toEqual([]);
  });
});
