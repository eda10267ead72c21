import { beforeEach, describe, expect, test } from 'vitest';
import { unreadIn } from '../../src/rooms/level';
import { settled } from '../doubles/manual_clock';
import { Page } from '../doubles/page';
import { ReadChannels } from '../doubles/read_channels';
import { ME, makeEvent, makeMessage, makePage, makeRoom } from '../make';

let page: Page;

beforeEach(() => {
  page = new Page();
});

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
const at = (seq: number, epoch = 'e1') => ({ epoch, seq });
const back = (seq: number) => ({ ...at(seq), back: true });
/** The server tells how far the user has read. */
const hear = (read_seq: number) =>
  page.emit({ type: 'read', room_id: 'lobby', user_id: ME, username: 'a', epoch: 'e1', read_seq });
const unread = () => page.room()?.unread_count;
const say = (...seqs: number[]) => {
  for (const seq of seqs) page.emit(makeEvent(seq));
};

describe('unread', () => {
  test('are messages of others that are not deleted, from the first one on', async () => {
    await page.goLive(null);
    page.live(10);
    page.emit(makeEvent(11, { user_id: ME }));
    say(12, 13);
    expect(page.room()).toMatchObject({ unread_count: 2, first_unread_seq: 12 });
    expect(unreadIn(page.session.rooms.byId.value.values(), new Date())).toBe(2);
    page.emit(makeEvent(14, { type: 'delete', target: 12 }));
    expect(page.room()).toMatchObject({ unread_count: 1, first_unread_seq: 13 });
    page.emit(makeEvent(15, { type: 'delete', target: 11 }));
    page.emit(makeEvent(16, { type: 'delete', target: 12 }));
    expect(unread()).toBe(1);
  });

  test('of which a deleted one is not loaded are asked for', async () => {
    page.serve(makeRoom({ read_seq: 2, unread_count: 8, first_unread_seq: 3 }));
    await page.goLive(null);
    page.live(10);
    page.serve(makeRoom({ seq: 11, read_seq: 2, unread_count: 7, first_unread_seq: 4 }));
    page.emit(makeEvent(11, { type: 'delete', target: 3 }));
    expect(unread()).toBe(8);
    await page.clock.advance(1_000);
    expect(page.room()).toMatchObject({ unread_count: 7, first_unread_seq: 4 });
  });

  test('are no more than 999, and asked for when some of so many were read', async () => {
    page.serve(makeRoom({ seq: 5_000, read_seq: 10, unread_count: 999, first_unread_seq: 11 }));
    page.http.on('GET /rooms/lobby/messages', ({ query }) => ({
      body: query.has('before')
        ? makePage([9, 10], { has_more: true })
        : makePage(range(11, 60), { has_more: true }),
    }));
    await page.goLive();
    page.live(5_000);
    page.serve(makeRoom({ seq: 5_000, read_seq: 20, unread_count: 999, first_unread_seq: 21 }));
    page.show(9, 20);
    expect(page.room()).toMatchObject({ read_seq: 20, unread_count: 999, first_unread_seq: 21 });
    await page.clock.advance(1_000);
    expect(page.http.sent('GET /rooms').at(-1)?.query.get('ids')).toBe('lobby');
  });
});

describe('read', () => {
  test('is what was on the screen of a window in front, and the server hears of it', async () => {
    await page.goLive();
    page.live(10);
    say(11, 12);
    expect(unread()).toBe(2);
    page.show(8, 11);
    await settled();
    expect(unread()).toBe(1);
    expect(page.reports).toEqual([at(11)]);
  });

  test('is nothing without the focus, and the line stands before what came', async () => {
    await page.goLive();
    page.live(10);
    page.show(8, 10);
    page.focused.value = false;
    say(11);
    page.show(8, 11);
    expect(unread()).toBe(1);
    expect(page.session.reading.divider.value).toMatchObject({ ...at(10), count: 1 });
    page.focused.value = true;
    expect(unread()).toBe(0);
    expect(page.session.reading.divider.value).toMatchObject(at(10));
  });

  test('is nothing behind messages that were left out', async () => {
    page.serve(makeRoom({ read_seq: 4, unread_count: 6, first_unread_seq: 5 }));
    page.http.on('GET /rooms/lobby/messages', { body: makePage(range(1, 10)) });
    await page.goLive();
    page.show(7, 10);
    expect(page.room()).toMatchObject({ read_seq: 4, unread_count: 6 });
    page.show(4, 6);
    expect(page.room()).toMatchObject({ read_seq: 6, unread_count: 4, first_unread_seq: 7 });
    page.show(7, 10);
    expect(page.room()).toMatchObject({ read_seq: 10, unread_count: 0, first_unread_seq: null });
  });

  test('is nothing that came so fast that it was not shown, and the line stands before it', async () => {
    await page.goLive();
    page.live(10);
    page.show(8, 10);
    await page.reconnect();
    say(...range(11, 310));
    page.live(310);
    page.show(290, 310);
    expect(page.room()).toMatchObject({ read_seq: 10, unread_count: 300 });
    expect(page.session.reading.divider.value).toMatchObject({ ...at(10), count: 300 });
    expect(page.reports).toEqual([]);
  });

  test('is everything when the user says so', async () => {
    page.serve(makeRoom({ read_seq: 4, unread_count: 6, first_unread_seq: 5 }));
    await page.goLive();
    page.session.reading.readAll('lobby');
    await settled();
    expect(unread()).toBe(0);
    expect(page.reports).toEqual([at(10)]);
    expect(page.session.reading.divider.value).toBeNull();
  });

  test('is not moved by what the user writes', async () => {
    await page.goLive(null);
    page.live(10);
    say(11);
    page.emit(makeEvent(12, { user_id: ME }));
    expect(page.room()).toMatchObject({ read_seq: 10, unread_count: 1 });
  });
});

describe('a report', () => {
  test('of a busy room is sent at most every three seconds', async () => {
    await page.goLive();
    page.live(10);
    for (const seq of range(11, 40)) {
      say(seq);
      page.show(8, seq);
    }
    await page.clock.advance(3_000);
    expect(page.reports).toEqual([at(11), at(40)]);
  });

  test('that waits is sent when the page goes away', async () => {
    await page.goLive();
    page.live(10);
    say(11, 12);
    page.show(8, 11);
    page.show(8, 12);
    page.session.stop();
    await settled();
    expect(page.reports).toEqual([at(11), at(12)]);
    expect(page.clock.armed).toBe(0);
  });

  test.each([
    ['when the connection is back', () => page.reconnect()],
    ['when the page is looked at again', async () => page.session.reading.flush()],
    ['after a while', () => page.clock.advance(30_000)],
  ])('that failed is sent again %s', async (_, later) => {
    page.http.on('PUT /rooms/lobby/read', { status: 503, body: { code: 'unavailable' } });
    await page.goLive();
    page.live(10);
    say(11);
    page.show(8, 11);
    await settled();
    page.serve(makeRoom({ seq: 11, read_seq: 10, unread_count: 1, first_unread_seq: 11 }));
    page.http.on('PUT /rooms/lobby/read', { status: 204 });
    await later();
    await settled();
    expect(page.reports).toEqual([at(11), at(11)]);
    expect(unread()).toBe(0);
  });

  test('that fails as the page ends arms no timer', async () => {
    page.http.on('PUT /rooms/lobby/read', { status: 503, body: { code: 'unavailable' } });
    await page.goLive();
    page.live(10);
    say(11);
    page.show(8, 11);
    page.session.stop();
    await settled();
    expect(page.clock.armed).toBe(0);
  });

  test('of another epoch is dropped, and the room is asked for', async () => {
    page.http.on('PUT /rooms/lobby/read', { status: 409, body: { code: 'reset' } });
    await page.goLive();
    page.live(10);
    say(11);
    page.serve(makeRoom({ epoch: 'e2', seq: 5, read_seq: 2, unread_count: 3 }));
    page.show(8, 11);
    await page.clock.advance(1_000);
    expect(page.room()).toMatchObject({ epoch: 'e2', read_seq: 2, unread_count: 3 });
    await page.clock.advance(60_000);
    expect(page.reports).toHaveLength(1);
  });
});

describe('marked as unread', () => {
  beforeEach(async () => {
    await page.goLive();
    page.live(10);
    page.show(8, 10);
    page.session.reading.markUnread('lobby', 9);
    await settled();
  });

  test('a message and what follows it are unread, and the line is before it', () => {
    expect(page.room()).toMatchObject({ read_seq: 8, unread_count: 2, first_unread_seq: 9 });
    expect(page.session.reading.divider.value).toMatchObject({ ...at(8), count: 2 });
    expect(page.reports).toEqual([back(8)]);
  });

  test('it stays so while it is on the screen, with what comes', async () => {
    say(11);
    page.show(9, 11);
    await page.clock.advance(10_000);
    expect(unread()).toBe(3);
    expect(page.reports).toEqual([back(8)]);
  });

  test.each<[string, () => void]>([
    [
      'looks elsewhere and comes back',
      () => {
        page.focused.value = false;
        page.focused.value = true;
      },
    ],
    [
      'leaves the room and comes back',
      () => {
        page.session.membership.open(null);
        page.session.membership.open('lobby');
        page.show(8, 10);
      },
    ],
    ['writes', () => void page.session.say('lobby', 'hello')],
    ['says so', () => page.session.reading.readAll('lobby')],
  ])('it is read when the user %s', async (_, act) => {
    act();
    await page.clock.advance(3_000);
    expect(unread()).toBe(0);
    expect(page.reports).toEqual([back(8), at(10)]);
  });

  test('it is told before what is read after it', async () => {
    const answer = page.hold('PUT /rooms/lobby/read', () => ({ body: '' }));
    page.session.reading.markUnread('lobby', 10);
    await settled();
    page.session.reading.readAll('lobby');
    await page.clock.advance(4_000);
    expect(page.reports).toEqual([back(8), back(9)]);
    answer();
    await settled();
    expect(page.reports).toEqual([back(8), back(9), at(10)]);
  });

  test('what the server tells of an earlier position takes nothing back, also before it knows', async () => {
    const answer = page.hold('PUT /rooms/lobby/read', () => ({ body: '' }));
    page.session.reading.markUnread('lobby', 10);
    await settled();
    hear(10);
    expect(page.room()).toMatchObject({ read_seq: 9, unread_count: 1 });
    page.serve(makeRoom({ read_seq: 9, unread_count: 1, first_unread_seq: 10 }));
    hear(9);
    answer();
    await page.clock.advance(1_000);
    expect(page.room()).toMatchObject({ read_seq: 9, unread_count: 1 });
    hear(10);
    expect(page.room()).toMatchObject({ read_seq: 9, unread_count: 1 });
    await page.clock.advance(1_000);
    say(11);
    expect(page.room()).toMatchObject({ read_seq: 9, unread_count: 2 });
    expect(page.reports).toEqual([back(8), back(9)]);
  });

  test('it is read here when the user has read on elsewhere', async () => {
    page.serve(makeRoom({ read_seq: 10, unread_count: 0, first_unread_seq: null }));
    hear(10);
    await page.clock.advance(1_000);
    expect(unread()).toBe(0);
    say(11);
    hear(11);
    expect(unread()).toBe(0);
  });

  test('it is told after all positions that are on their way', async () => {
    page.session.reading.readAll('lobby');
    const answers: (() => void)[] = [];
    for (const seq of [11, 12]) {
      await page.clock.advance(6_000);
      answers.push(page.hold('PUT /rooms/lobby/read', () => ({ body: '' })));
      say(seq);
      page.session.reading.readAll('lobby');
      await settled();
    }
    page.session.reading.markUnread('lobby', 12);
    const told = [back(8), at(10), at(11), at(12)];
    await settled();
    expect(page.reports).toEqual(told);
    answers[1]?.();
    await settled();
    expect(page.reports).toEqual(told);
    answers[0]?.();
    await settled();
    expect(page.reports).toEqual([...told, back(11)]);
  });

  test('an answer that does not know of it takes nothing back', async () => {
    page.hold('PUT /rooms/lobby/read', () => ({ body: '' }));
    page.session.reading.markUnread('lobby', 10);
    page.serve(makeRoom());
    await page.session.membership.load();
    expect(page.room()).toMatchObject({ read_seq: 9, unread_count: 1 });
  });
});

describe('marked as unread elsewhere', () => {
  const marked = makeRoom({ read_seq: 8, unread_count: 2, first_unread_seq: 9 });

  test('the line stands here too, and what is looked at here stays unread', async () => {
    await page.goLive();
    page.live(10);
    page.show(8, 10);
    page.serve(marked);
    hear(8);
    await page.clock.advance(1_000);
    page.show(7, 10);
    expect(page.room()).toMatchObject({ read_seq: 8, unread_count: 2 });
    expect(page.session.reading.divider.value).toMatchObject({ ...at(8), count: 2 });
    expect(page.reports).toEqual([]);
  });

  describe('on another device, while a report waits here', () => {
    const marked = makeRoom({ seq: 12, read_seq: 8, unread_count: 4, first_unread_seq: 9 });
    const whole = makeRoom({ seq: 12, read_seq: 11 });

    /** The server has confirmed 11. That 12 was read, too, waits. */
    beforeEach(async () => {
      await page.goLive();
      page.live(10);
      for (const seq of [11, 12]) {
        say(seq);
        page.show(8, seq);
        await settled();
      }
      expect(page.reports).toEqual([at(11)]);
    });

    test('it stays so: the report is dropped, and the line stands here', async () => {
      page.serve(marked);
      hear(8);
      await page.clock.advance(60_000);
      page.show(7, 12);
      expect(page.room()).toMatchObject({ read_seq: 8, unread_count: 4, first_unread_seq: 9 });
      expect(page.session.reading.divider.value).toMatchObject({ ...at(8), count: 4 });
      expect(page.reports).toEqual([at(11)]);
    });

    test('nothing is told before the server has said which it is, also as the page ends', async () => {
      const answer = page.hold('GET /rooms', () => ({
        body: { items: [marked], next_cursor: null },
      }));
      hear(8);
      await page.clock.advance(10_000);
      say(13);
      page.show(8, 13);
      page.session.reading.flush();
      await settled();
      expect(page.reports).toEqual([at(11)]);
      page.session.stop();
      answer();
      await settled();
      expect(page.reports).toEqual([at(11)]);
    });

    test('and an event of an earlier report that is late takes nothing back', async () => {
      page.serve(whole);
      hear(10);
      await page.clock.advance(1_000);
      expect(page.room()).toMatchObject({ read_seq: 12, unread_count: 0 });
      expect(page.session.reading.divider.value).toBeNull();
      expect(page.reports).toEqual([at(11), at(12)]);
    });

    test('it is known from the list, too, when the connection is back', async () => {
      page.http.on('PUT /rooms/lobby/read', { status: 503, body: { code: 'unavailable' } });
      await page.clock.advance(3_000);
      page.serve(marked);
      page.http.on('PUT /rooms/lobby/read', { status: 204 });
      const tried = page.reports.length;
      page.server.socket.drop();
      await page.clock.advance(1_000);
      page.server.socket.makeReady();
      await settled();
      await page.clock.advance(1_000);
      expect(page.room()).toMatchObject({ read_seq: 8, unread_count: 4 });
      expect(page.reports.length).toBe(tried);
    });

    test('it is asked for once more after a report that was on its way', async () => {
      const answer = page.hold('PUT /rooms/lobby/read', () => ({ body: '' }));
      await page.clock.advance(3_000);
      expect(page.reports).toEqual([at(11), at(12)]);
      page.serve(marked);
      hear(8);
      await page.clock.advance(1_000);
      expect(page.room()).toMatchObject({ read_seq: 12, unread_count: 0 });
      answer();
      await page.clock.advance(1_000);
      expect(page.room()).toMatchObject({ read_seq: 8, unread_count: 4 });
    });

    test('and what the user decides here afterwards is told at once', async () => {
      page.hold('GET /rooms', () => ({ body: { items: [marked], next_cursor: null } }));
      hear(8);
      page.session.reading.readAll('lobby');
      await page.clock.advance(3_000);
      expect(page.reports).toEqual([at(11), at(12)]);
    });

    test('and what is read when the user comes back to it is told', async () => {
      page.serve(marked);
      hear(8);
      await page.clock.advance(1_000);
      page.focused.value = false;
      page.focused.value = true;
      page.show(8, 12);
      await page.clock.advance(4_000);
      expect(page.reports).toEqual([at(11), at(12)]);
      expect(unread()).toBe(0);
    });
  });

  describe('in another tab', () => {
    let other: Page;

    beforeEach(async () => {
      const channels = new ReadChannels();
      page = new Page(channels);
      other = new Page(channels);
      for (const tab of [page, other]) {
        await tab.goLive();
        tab.live(10);
      }
    });

    test('is known at once here', () => {
      page.session.reading.markUnread('lobby', 10);
      expect(other.room()).toMatchObject({ read_seq: 9, unread_count: 1 });
      expect(other.session.reading.divider.value).toMatchObject(at(9));
    });

    test('is not undone by what was read here before', async () => {
      for (const seq of [11, 12]) {
        for (const tab of [page, other]) tab.emit(makeEvent(seq));
        other.show(8, seq);
      }
      await settled();
      expect(other.reports).toEqual([at(11)]);
      page.session.reading.markUnread('lobby', 10);
      await other.clock.advance(60_000);
      expect(other.reports).toEqual([at(11)]);
    });

    test('is told once more after what is on its way from here', async () => {
      const answer = other.hold('PUT /rooms/lobby/read', () => ({ body: '' }));
      for (const tab of [page, other]) tab.emit(makeEvent(11));
      other.show(8, 11);
      page.session.reading.markUnread('lobby', 10);
      await settled();
      expect(other.reports).toEqual([at(11)]);
      answer();
      await settled();
      expect(other.reports).toEqual([at(11), back(9)]);
    });

    test('is not told after the user came back to it here', async () => {
      const answer = page.hold('PUT /rooms/lobby/read', () => ({ body: '' }));
      page.session.reading.markUnread('lobby', 10);
      other.session.reading.readAll('lobby');
      answer();
      await settled();
      expect(page.reports).toEqual([back(9), at(10)]);
      expect(page.room()).toMatchObject({ read_seq: 10, unread_count: 0 });
    });
  });
});

describe('a list', () => {
  test('that is older than what was read here does not take it back', async () => {
    const answer = page.hold('PUT /rooms/lobby/read', () => ({ body: '' }));
    await page.goLive();
    page.live(10);
    say(11);
    page.show(8, 11);
    page.serve(makeRoom({ seq: 11, read_seq: 10, unread_count: 1, first_unread_seq: 11 }));
    await page.session.membership.load();
    expect(page.room()).toMatchObject({ read_seq: 11, unread_count: 0 });
    answer();
    await settled();
    expect(page.room()).toMatchObject({ read_seq: 11, unread_count: 0 });
  });

  test('that was asked for before a report and comes after it does not take it back', async () => {
    await page.goLive();
    page.live(10);
    say(11);
    const old = makeRoom({ seq: 11, read_seq: 10, unread_count: 1, first_unread_seq: 11 });
    const answer = page.hold('GET /rooms', () => ({ body: { items: [old], next_cursor: null } }));
    const list = page.session.membership.load();
    page.show(8, 11);
    await settled();
    answer();
    await list;
    expect(page.room()).toMatchObject({ read_seq: 11, unread_count: 0 });
  });

  test('that is older than what was heard neither counts it twice nor loses it', async () => {
    await page.goLive(null);
    page.live(10);
    say(11);
    page.serve(makeRoom());
    await page.session.membership.load();
    expect(page.room()).toMatchObject({ seq: 11, unread_count: 1 });
    page.serve(makeRoom({ seq: 12, unread_count: 2, first_unread_seq: 11 }));
    await page.session.membership.load();
    say(12);
    expect(unread()).toBe(2);
  });
});

describe('reading elsewhere', () => {
  const heard = (fields: object) =>
    page.emit({ type: 'read', room_id: 'lobby', user_id: ME, username: 'alice', ...fields });

  test('lowers the count here', async () => {
    await page.goLive(null);
    page.live(10);
    say(11, 12);
    heard({ epoch: 'e1', read_seq: 11 });
    expect(page.room()).toMatchObject({ unread_count: 1, first_unread_seq: 12 });
    heard({ epoch: 'e1', read_seq: 12 });
    expect(unread()).toBe(0);
  });

  test.each([
    ['of another user', { user_id: 'bob-id', epoch: 'e1', read_seq: 12 }],
    ['of another epoch', { epoch: 'e0', read_seq: 12 }],
  ])('%s changes nothing', async (_, fields) => {
    await page.goLive(null);
    page.live(10);
    say(11, 12);
    heard(fields);
    expect(page.room()).toMatchObject({ read_seq: 10, unread_count: 2 });
  });

  test('ahead of what has come here counts for it when it comes', async () => {
    await page.goLive(null);
    page.live(10);
    heard({ epoch: 'e1', read_seq: 12 });
    say(11, 12, 13);
    expect(page.room()).toMatchObject({ unread_count: 1, first_unread_seq: 13 });
  });

  test('of what is not loaded is asked for', async () => {
    page.serve(makeRoom({ read_seq: 2, unread_count: 8, first_unread_seq: 3 }));
    await page.goLive(null);
    page.live(10);
    page.serve(makeRoom({ read_seq: 5, unread_count: 4, first_unread_seq: 7 }));
    heard({ epoch: 'e1', read_seq: 5 });
    await page.clock.advance(1_000);
    expect(page.room()).toMatchObject({ read_seq: 5, unread_count: 4, first_unread_seq: 7 });
  });

  test('that went back, as the user wants to read it again, is asked for', async () => {
    await page.goLive(null);
    page.live(10);
    page.serve(makeRoom({ read_seq: 5, unread_count: 5, first_unread_seq: 6 }));
    heard({ epoch: 'e1', read_seq: 5 });
    await page.clock.advance(1_000);
    expect(page.room()).toMatchObject({ read_seq: 5, unread_count: 5, first_unread_seq: 6 });
  });

  test('in another tab of the browser is known here at once', async () => {
    const channels = new ReadChannels();
    page = new Page(channels);
    const other = new Page(channels);
    await page.goLive();
    await other.goLive(null);
    for (const tab of [page, other]) {
      tab.live(10);
      tab.emit(makeEvent(11));
    }
    expect(other.room()?.unread_count).toBe(1);
    page.show(8, 11);
    expect(other.room()?.unread_count).toBe(0);
    expect(other.reports).toEqual([]);
  });

  test.each([null, 'hello', { room_id: 'lobby' }, { room_id: 'lobby', epoch: 'e1', seq: '11' }])(
    'is not taken from a strange message between tabs: %j',
    async (message) => {
      const channels = new ReadChannels();
      page = new Page(channels);
      await page.goLive(null);
      page.live(10);
      say(11);
      channels.open().postMessage(message);
      expect(unread()).toBe(1);
    },
  );
});

describe('a restore', () => {
  const restored = (fields = {}) =>
    makeRoom({ epoch: 'e2', seq: 6, read_seq: 3, unread_count: 3, first_unread_seq: 4, ...fields });

  test('forgets the positions of the old epoch, and reads nothing before it is known', async () => {
    await page.goLive();
    page.live(10);
    page.show(8, 10);
    page.serve(restored());
    page.http.on('GET /rooms/lobby/messages', { body: makePage(range(1, 6), { epoch: 'e2' }) });
    page.emit({ type: 'reset', room_id: 'lobby', epoch: 'e2', seq: 6 });
    expect(page.room()).toMatchObject({ epoch: 'e2', seq: 6, read_seq: null, unread_count: null });
    page.show(1, 6, 'e2');
    page.emit(makeEvent(7));
    expect(page.reports).toEqual([]);
    await page.clock.advance(1_000);
    expect(page.room()).toMatchObject({ read_seq: 3, unread_count: 4, first_unread_seq: 4 });
    expect(page.session.reading.divider.value).toMatchObject(at(3, 'e2'));
    expect(page.reports).toEqual([]);
    page.show(1, 5, 'e2');
    await settled();
    expect(page.reports).toEqual([at(5, 'e2')]);
    expect(unread()).toBe(2);
  });

  test('in a room in the background keeps no read position that hides new messages', async () => {
    await page.goLive(null);
    page.live(10);
    page.serve(restored({ unread_count: 0, read_seq: 6, first_unread_seq: null }));
    page.emit({ type: 'reset', room_id: 'lobby', epoch: 'e2', seq: 6 });
    await page.clock.advance(1_000);
    page.emit(makeEvent(7));
    expect(page.room()).toMatchObject({ unread_count: 1, first_unread_seq: 7 });
  });

  test('is asked for until the server answers', async () => {
    await page.goLive(null);
    page.live(10);
    page.http.on('GET /rooms', { status: 503, body: { code: 'unavailable' } });
    page.emit({ type: 'reset', room_id: 'lobby', epoch: 'e2', seq: 6 });
    await page.clock.advance(2_000);
    expect(unread()).toBeNull();
    page.serve(restored());
    await page.clock.advance(60_000);
    expect(page.room()).toMatchObject({ read_seq: 3, unread_count: 3 });
  });

  test('that a list tells first makes the positions of the old epoch void too', async () => {
    await page.goLive();
    page.live(10);
    page.show(8, 10);
    page.serve(restored());
    page.http.on('GET /rooms/lobby/messages', { body: makePage(range(1, 6), { epoch: 'e2' }) });
    await page.reconnect();
    expect(page.room()).toMatchObject({ epoch: 'e2', read_seq: 3, unread_count: 3 });
    expect(page.session.reading.divider.value).toMatchObject(at(3, 'e2'));
    expect(page.session.reading.shown.value).toBeNull();
  });

  test('sends a waiting answer without what it answered, and again what was stored', async () => {
    await page.goLive();
    page.session.say('lobby', 'an answer', 9);
    page.serve(restored());
    page.http.on('GET /rooms/lobby/messages', { body: makePage(range(1, 6), { epoch: 'e2' }) });
    page.emit({ type: 'reset', room_id: 'lobby', epoch: 'e2', seq: 6 });
    const [sent] = page.server.socket.sent('send');
    expect(sent).toMatchObject({ body: 'an answer' });
    expect(sent).not.toHaveProperty('reply_to');
    page.emit({ type: 'ack', ref: sent?.ref, room_id: 'lobby', epoch: 'e2', seq: 7, at: 'now' });
    page.emit({ type: 'reset', room_id: 'lobby', epoch: 'e3', seq: 9 });
    expect(page.server.socket.sent('send').map(({ ref }) => ref)).toEqual([sent?.ref, sent?.ref]);
    expect(page.session.outbox.items.value).toHaveLength(1);
  });
});

describe('a room with many unread messages', () => {
  const messages = () => page.http.sent('GET /rooms/lobby/messages').map(({ query }) => query);
  const shown = () =>
    page.session.timelines
      .get('lobby')
      ?.peek()
      .entries.map(({ seq }) => seq);

  let head: number;

  beforeEach(async () => {
    head = 700;
    page.serve(makeRoom({ seq: 700, read_seq: 87, unread_count: 613, first_unread_seq: 88 }));
    page.http.on('GET /rooms/lobby/messages', ({ query }) => {
      const after = Number(query.get('after'));
      const before = Number(query.get('before'));
      const limit = Number(query.get('limit'));
      const from = query.has('after') ? after + 1 : Math.max(1, before - limit);
      const to = query.has('after') ? Math.min(head, after + limit) : before - 1;
      const has_more = query.has('after') ? to < head : from > 1;
      return { body: makePage(range(from, to), { has_more }) };
    });
    await page.goLive();
    page.live(700);
  });

  test('opens at the first of them, with what was said before', () => {
    expect(messages().map((query) => query.get('before') ?? query.get('after'))).toEqual([
      '88',
      '87',
    ]);
    expect(shown()).toEqual(range(68, 137));
    expect(page.session.reading.divider.value).toMatchObject({ ...at(87), count: 613 });
  });

  test('marks as read only what is shown, though the rest is not loaded', async () => {
    page.show(80, 99);
    await settled();
    expect(page.room()).toMatchObject({ read_seq: 99, unread_count: 601, first_unread_seq: 100 });
    page.show(95, 137);
    expect(page.room()).toMatchObject({ read_seq: 137, unread_count: 563, first_unread_seq: 138 });
    say(701);
    expect(page.room()).toMatchObject({ unread_count: 564, first_unread_seq: 138 });
    expect(shown()).toEqual(range(68, 137));
  });

  test('is read on to the newest, and is live there', async () => {
    say(701);
    head = 701;
    for (let step = 0; step < 20; step++) await page.session.history.newer('lobby');
    say(702);
    expect(shown()).toEqual(range(68, 702));
  });

  test('shows the newest at once when the user wants, with nothing read between', async () => {
    page.show(80, 99);
    page.session.history.openNewest('lobby');
    await settled();
    expect(shown()).toEqual(range(651, 700));
    page.show(680, 700);
    expect(page.room()).toMatchObject({ read_seq: 99, unread_count: 601 });
    await page.session.history.around('lobby', 100);
    expect(shown()).toEqual(range(80, 149));
    expect(page.room()).toMatchObject({ read_seq: 99, unread_count: 601 });
  });
});

test('a message that comes while newer history is on its way is there once', async () => {
  page.serve(makeRoom({ seq: 100, read_seq: 10, unread_count: 90, first_unread_seq: 11 }));
  page.http.on('GET /rooms/lobby/messages', ({ query }) => ({
    body: query.has('before')
      ? makePage([9, 10], { has_more: true })
      : makePage(range(11, 60), { has_more: true }),
  }));
  await page.goLive();
  page.live(100);
  const answer = page.hold('GET /rooms/lobby/messages', () => ({
    // The server is ahead of the socket: it has 103 already.
    body: { items: range(61, 103).map((seq) => makeMessage(seq)), epoch: 'e1', has_more: false },
  }));
  const newer = page.session.history.newer('lobby');
  say(101);
  page.emit(makeEvent(102, { type: 'edit', target: 70, body: 'better' }));
  answer();
  await newer;
  say(103);
  const { entries = [] } = page.session.timelines.get('lobby')?.peek() ?? {};
  expect(entries.map(({ seq }) => seq)).toEqual([...range(9, 101), 102, 103]);
  expect(entries.find(({ seq }) => seq === 70)).toMatchObject({ body: 'better' });
});
