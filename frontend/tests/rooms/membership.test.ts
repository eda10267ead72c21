import { beforeEach, describe, expect, test, vi } from 'vitest';
import { settled } from '../doubles/manual_clock';
import { listOf, Page } from '../doubles/page';
import { ReadChannels } from '../doubles/read_channels';
import { ME, makeEvent, makePage, makeRoom } from '../make';

let page: Page;

const lobby = makeRoom();
const den = makeRoom({ id: 'den', name: 'Den', visibility: 'private' });
const ids = () => [...page.session.rooms.byId.value.keys()].sort();
const bob = { by: 'bob-id' };
const told = (role: string | null, reason: string, by: object = bob) =>
  page.emit({ type: 'membership', room_id: 'den', role, reason, ...by });
const news = () =>
  page.session.news.items.value.map(({ room_id, name, what, by }) => ({
    ...{ room_id, name, what },
    by: by?.username ?? null,
  }));

beforeEach(() => {
  page = new Page();
  page.http
    .on('GET /rooms/den/messages', { body: makePage([10]) })
    .on('POST /rooms/den/join', { body: den })
    .on('POST /rooms/den/leave', { status: 204 })
    .on('GET /users/bob-id', { body: { id: 'bob-id', username: 'bob', display_name: 'Bob' } });
});

describe('a list of rooms that was asked for', () => {
  /** A list of the lobby only, or of `rooms`, that is on its way. */
  function asked(...rooms: (typeof den)[]) {
    const items = rooms.length > 0 ? rooms : [lobby];
    const answer = page.hold('GET /rooms', (request) => listOf(items, request));
    const done = page.session.membership.load();
    return async () => {
      answer();
      await done;
    };
  }

  test('before the user joined does not take the room away', async () => {
    await page.goLive();
    const answer = asked();
    await settled();
    page.serve(lobby, den);
    await page.session.membership.join('den');
    page.session.membership.open('den');
    await answer();
    expect(ids()).toEqual(['den', 'lobby']);
    expect(page.server.socket.sent('unsubscribe')).toEqual([]);
    expect(page.session.timelines.get('den')).toBeDefined();
  });

  test('before the user was added does not take the room away', async () => {
    await page.goLive();
    const answer = asked();
    await settled();
    page.serve(lobby, den);
    told('member', 'added');
    await page.clock.advance(1_000);
    await answer();
    expect(ids()).toEqual(['den', 'lobby']);
  });

  test('before the user was removed does not bring the room back', async () => {
    page.serve(lobby, den);
    await page.goLive();
    const answer = asked(lobby, den);
    await settled();
    page.serve(lobby);
    told(null, 'removed');
    await answer();
    await page.clock.advance(1_000);
    expect(ids()).toEqual(['lobby']);
  });

  test('before the room started over does not bring the old epoch back', async () => {
    await page.goLive(null);
    page.live(10);
    const answer = asked(lobby);
    await settled();
    page.serve(makeRoom({ epoch: 'e2', seq: 3 }));
    page.emit({ type: 'reset', room_id: 'lobby', epoch: 'e2', seq: 3 });
    await answer();
    expect(page.room()).toMatchObject({ epoch: 'e2' });
    await page.clock.advance(1_000);
    expect(page.room()).toMatchObject({ epoch: 'e2', seq: 3 });
  });

  test('before the room was renamed does not bring the old name back', async () => {
    await page.goLive(null);
    page.live(10);
    const answer = asked(lobby);
    await settled();
    page.emit(makeEvent(11, { type: 'room', name: 'Hall', topic: null, visibility: 'public' }));
    await answer();
    expect(page.room()).toMatchObject({ name: 'Hall', seq: 11 });
  });

  test('before another one does not undo the other', async () => {
    await page.goLive();
    const first = asked();
    await settled();
    const second = asked(lobby, den);
    await second();
    expect(ids()).toEqual(['den', 'lobby']);
    await first();
    expect(ids()).toEqual(['den', 'lobby']);
  });

  test('and that fails after another one has come says nothing', async () => {
    await page.goLive();
    let fail: (error: Error) => void = () => {};
    const failing = new Promise<{ body: unknown }>((_, reject) => {
      fail = reject;
    });
    page.http.on('GET /rooms', () => failing);
    const first = page.session.membership.load();
    await settled();
    page.serve(lobby);
    await page.session.membership.load();
    fail(new TypeError('the network is gone'));
    await first;
    expect(page.session.rooms.failed.value).toBe(false);
  });
});

test('a list that is asked for as the connection is ready tells what changed before it', async () => {
  page.session.start();
  await settled();
  page.serve(lobby, den);
  page.server.socket.makeReady();
  await settled();
  expect(ids()).toEqual(['den', 'lobby']);
});

test('the answer to joining that comes after a removal does not bring the room back', async () => {
  await page.goLive();
  const answer = page.hold('POST /rooms/den/join', () => ({ body: den }));
  const joining = page.session.membership.join('den');
  await settled();
  told(null, 'removed');
  answer();
  await joining;
  await page.clock.advance(1_000);
  expect(ids()).toEqual(['lobby']);
});

describe('being added', () => {
  test('shows and subscribes the room, and says by whom', async () => {
    await page.goLive();
    page.serve(lobby, den);
    told('member', 'added');
    await page.clock.advance(1_000);
    expect(page.room('den')?.name).toBe('Den');
    expect(page.server.socket.sent('subscribe').at(-1)).toMatchObject({ room_id: 'den' });
    expect(news()).toEqual([{ room_id: 'den', name: 'Den', what: 'added', by: 'bob' }]);
    page.session.membership.open('den');
    expect(news()).toEqual([]);
  });

  test('is shown also when the server cannot be asked at first', async () => {
    await page.goLive();
    page.http.on('GET /rooms', { status: 503, body: { code: 'unavailable' } });
    told('member', 'added');
    await page.clock.advance(2_000);
    page.serve(lobby, den);
    await page.clock.advance(60_000);
    expect(ids()).toEqual(['den', 'lobby']);
    expect(news()).toMatchObject([{ what: 'added', by: 'bob' }]);
  });

  test('while there was no connection is said without a name', async () => {
    await page.goLive();
    page.serve(lobby, den);
    await page.reconnect();
    expect(news()).toEqual([{ room_id: 'den', name: 'Den', what: 'added', by: null }]);
  });

  test.each([
    ['joining in another tab', { reason: 'joined', by: ME }],
    ['making a room in another tab', { reason: 'added', by: ME }],
  ])('by oneself, as by %s, is no news', async (_, event) => {
    await page.goLive();
    page.serve(lobby, den);
    told('member', event.reason, event);
    await page.clock.advance(1_000);
    expect(ids()).toEqual(['den', 'lobby']);
    expect(news()).toEqual([]);
  });

  test('by joining here is no news, whichever answer comes first', async () => {
    await page.goLive();
    page.serve(lobby, den);
    told('member', 'joined', { by: ME });
    await page.session.membership.join('den');
    expect(page.room('den')).toBeDefined();
    await page.clock.advance(1_000);
    expect(news()).toEqual([]);
  });

  test('a rooms list at the start is no news', async () => {
    page.serve(lobby, den);
    await page.goLive();
    expect(news()).toEqual([]);
  });
});

describe('being removed', () => {
  test('takes the room away, fails what was to be sent there, and says by whom', async () => {
    page.serve(lobby, den);
    await page.goLive('den');
    page.session.say('den', 'hello');
    told(null, 'removed');
    await settled();
    expect(ids()).toEqual(['lobby']);
    expect(page.session.outbox.items.value[0]?.state).toBe('failed');
    expect(news()).toEqual([{ room_id: 'den', name: 'Den', what: 'removed', by: 'bob' }]);
  });

  test.each(['banned', 'deleted'])(
    'because of what the server calls %s is said',
    async (reason) => {
      page.serve(lobby, den);
      await page.goLive('den');
      told(null, reason);
      await settled();
      expect(ids()).toEqual(['lobby']);
      expect(news()).toMatchObject([{ what: reason, by: 'bob' }]);
    },
  );

  test('is said also where it cannot be asked who did it', async () => {
    page.serve(lobby, den);
    await page.goLive();
    page.http.on('GET /users/bob-id', { status: 404, body: { code: 'not_found' } });
    told(null, 'removed');
    await settled();
    expect(news()).toMatchObject([{ what: 'removed', by: null }]);
  });

  test('while there was no connection is seen in the list after it', async () => {
    page.serve(lobby, den);
    await page.goLive();
    page.serve(lobby);
    await page.reconnect();
    expect(ids()).toEqual(['lobby']);
    expect(news()).toEqual([{ room_id: 'den', name: 'Den', what: 'gone', by: null }]);
  });

  test('by leaving here is no news', async () => {
    page.serve(lobby, den);
    await page.goLive();
    const left = page.session.membership.leave('den');
    told(null, 'left', { by: ME });
    await left;
    expect(ids()).toEqual(['lobby']);
    expect(news()).toEqual([]);
  });
});

describe('rooms without a subscription', () => {
  const many = (fields: (index: number) => object = () => ({})) =>
    Array.from({ length: 150 }, (_, index) =>
      makeRoom({ id: `room-${index}`, name: `Room ${index}`, ...fields(index) }),
    );
  const left = () => page.session.subscriptions.leftOut;
  const rounds = () => page.http.sent('GET /rooms').filter(({ query }) => query.has('ids'));

  beforeEach(async () => {
    page.serve(...many());
    await page.goLive(null, { subscriptions: 100 });
  });

  test('are asked for, so that every badge of 150 rooms is right', async () => {
    expect(left()).toHaveLength(50);
    page.serve(
      ...many((index) => ({ seq: 10 + index, unread_count: index, first_unread_seq: 11 })),
    );
    await page.clock.advance(30_000);
    for (const id of left()) expect(page.room(id)?.unread_count).toBe(Number(id.slice(5)));
    expect(rounds()[0]?.query.get('ids')?.split(',').sort()).toEqual([...left()].sort());
  });

  test('are not asked for while nobody sees the page, and at once when somebody does', async () => {
    await page.clock.advance(1_000);
    const before = rounds().length;
    page.visible.value = false;
    await page.clock.advance(30_000);
    expect(rounds()).toHaveLength(before);
    page.visible.value = true;
    await page.clock.advance(1_000);
    expect(rounds()).toHaveLength(before + 1);
  });

  test('that are more than the server answers for are asked for in turns', async () => {
    page.serve(...many(), ...many((index) => ({ id: `more-${index}` })));
    await page.session.membership.load();
    await page.clock.advance(120_000);
    const asked = new Set(rounds().flatMap(({ query }) => query.get('ids')?.split(',') ?? []));
    for (const id of left()) expect(asked).toContain(id);
    for (const { query } of rounds()) expect(query.get('ids')?.split(',').length).toBeLessThan(101);
  });

  test('begin where the server said when one is opened', async () => {
    const [id = ''] = left();
    page.http.on(`GET /rooms/${id}/messages`, { body: makePage([40]) });
    page.serve(...many(() => ({ seq: 40, unread_count: 1, first_unread_seq: 40 })));
    await page.clock.advance(30_000);
    page.session.membership.open(id);
    expect(page.server.socket.sent('subscribe').at(-1)).toMatchObject({
      room_id: id,
      since: { epoch: 'e1', seq: 40 },
    });
  });

  test('that the server no longer lists are gone', async () => {
    const [id = ''] = left();
    page.serve(...many().filter((room) => room.id !== id));
    await page.clock.advance(30_000);
    expect(page.room(id)).toBeUndefined();
  });
});

describe('a notice of a room', () => {
  const thousand = Array.from({ length: 1_000 }, (_, index) => makeRoom({ id: `room-${index}` }));
  const asked = () =>
    page.http.sent('GET /rooms').flatMap(({ query }) => query.get('ids')?.split(',') ?? []);
  const notice = (room_id: string, fields: object = {}) =>
    page.emit({ type: 'notice', room_id, epoch: 'e1', seq: 11, mention: false, ...fields });
  let beyond: string;

  beforeEach(async () => {
    page.serve(...thousand);
    await page.goLive(null, { subscriptions: 100 }, ['notices']);
    await page.clock.advance(1_000);
    page.http.requests.length = 0;
    beyond = page.session.subscriptions.leftOut[500] ?? '';
  });

  test('without a subscription makes the page ask for it, and its badge is right', async () => {
    expect(page.server.sockets).toHaveLength(1);
    page.serve(makeRoom({ id: beyond, seq: 11, unread_count: 1, mention_count: 1 }));
    notice(beyond);
    await page.clock.advance(1_000);
    expect(asked()).toEqual([beyond]);
    expect(page.room(beyond)).toMatchObject({ seq: 11, unread_count: 1, mention_count: 1 });
  });

  test('that mentions the user is asked for sooner than others', async () => {
    notice(beyond, { mention: true });
    await page.clock.advance(300);
    expect(asked()).toEqual([beyond]);
  });

  test('is one question for all that grow within a second', async () => {
    for (const id of page.session.subscriptions.leftOut.slice(0, 60)) notice(id);
    await page.clock.advance(1_000);
    expect(page.http.sent('GET /rooms')).toHaveLength(1);
    expect(asked()).toHaveLength(60);
  });

  test('that is known already, or has a subscription, is not asked for', async () => {
    notice(beyond, { seq: 10 });
    const subscribed = thousand.find(({ id }) => page.session.subscriptions.has(id));
    notice(subscribed?.id ?? '');
    await page.clock.advance(2_000);
    expect(asked()).toEqual([]);
  });

  test('that came while it was asked for makes the page ask again', async () => {
    const release = page.hold('GET /rooms', () => ({ body: { items: [], next_cursor: null } }));
    notice(beyond);
    await page.clock.advance(1_000);
    notice(beyond, { seq: 12 });
    page.serve(makeRoom({ id: beyond, seq: 12, unread_count: 2 }));
    release();
    await page.clock.advance(1_000);
    expect(page.room(beyond)?.unread_count).toBe(2);
  });

  test('of a new room brings it into the list', async () => {
    page.serve(makeRoom({ id: 'fresh', seq: 11, unread_count: 1 }));
    notice('fresh');
    await page.clock.advance(1_000);
    expect(page.room('fresh')?.unread_count).toBe(1);
  });
});

describe('a webhook that is paused', () => {
  const owned = { ...den, role: 'owner' as const };
  const paused = (...ids: string[]) => ({
    body: { items: ids.map((webhook_id) => ({ webhook_id, room_id: 'den' })) },
  });
  const asked = () => page.http.sent('GET /users/me/webhooks/paused').length;
  const told = () => page.session.news.items.value.map(({ webhook_id }) => webhook_id);

  test('is told of once, until the user has seen it', async () => {
    page.serve(lobby, den);
    await page.goLive();
    const emit = (webhook_id: string, room_id = 'den') =>
      page.emit({ type: 'webhook_paused', room_id, webhook_id, paused_by: 'gone' });
    emit('w');
    emit('w', 'of another user');
    const [item, ...others] = page.session.news.items.value;
    expect(item).toMatchObject({ room_id: 'den', name: 'Den', what: 'webhook', webhook_id: 'w' });
    expect(others).toEqual([]);
    page.session.news.seen('den');
    expect(news()).toEqual([]);
  });

  test('while its user was away is told of until they have seen it, also by the next page', async () => {
    const channels = new ReadChannels();
    for (const [answer, expected] of [
      [paused('w'), ['w']],
      [paused('w'), []],
      [paused('w', 'x'), ['x']],
      [paused(), []],
      [paused('w'), ['w']],
    ] as const) {
      page = new Page(channels);
      page.serve(lobby, owned);
      page.http.on('GET /users/me/webhooks/paused', answer);
      await page.goLive();
      await vi.waitUntil(() => asked() > 0);
      await settled();
      expect(told()).toEqual(expected);
      page.session.news.seen('den');
    }
    page.http.on('GET /users/me/webhooks/paused', paused('y'));
    await page.reconnect();
    expect(told()).toEqual(['y']);
    page.session.news.seen('den');
    await page.reconnect();
    expect(told()).toEqual([]);
    page.session.forget();
    await page.reconnect();
    expect(told()).toEqual(['y']);
  });

  test('is not asked for by who owns no room, and is told later where the server does not answer', async () => {
    page.serve(lobby, den);
    await page.goLive();
    await vi.waitUntil(() => page.session.pausedWebhooks.loaded);
    expect(asked()).toBe(0);
    page.serve(lobby, owned);
    page.http.on('GET /users/me/webhooks/paused', { status: 503, body: {} });
    await page.reconnect();
    expect(asked()).toBe(1);
    expect(told()).toEqual([]);
    page.http.on('GET /users/me/webhooks/paused', paused('w'));
    await page.reconnect();
    expect(told()).toEqual(['w']);
  });
});
