import {
  append,
  apply,
  doubtful,
  expectHistory,
  findEntry,
  openAt,
  order,
  prepend,
  recounted,
  type Timeline,
} from 'tailwire-client/rooms/timeline';
import { describe, expect, test } from 'vitest';
import { countUnread } from '../../src/rooms/unread';
import { ME, makeEvent, makeMessage, makePage, makeTimeline } from '../make';

const seqs = (timeline: Timeline) => timeline.entries.map(({ seq }) => seq);
const applyAll = (timeline: Timeline, ...events: Parameters<typeof apply>[1][]) =>
  events.reduce(apply, timeline);
const body = (timeline: Timeline, seq: number) => {
  const entry = findEntry(timeline, seq);
  return entry?.kind === 'message' ? entry.body : undefined;
};

describe('applying events', () => {
  test('the next message is appended and moves the position', () => {
    const timeline = apply(makeTimeline(10), makeEvent(11));
    expect(seqs(timeline)).toEqual([11]);
    expect(timeline.seq).toBe(11);
  });

  test('an event that was applied before changes nothing', () => {
    const once = apply(makeTimeline(10), makeEvent(11));
    expect(apply(once, makeEvent(11, { body: 'again' }))).toBe(once);
  });

  test('an event behind a hole is not applied, and says so', () => {
    const timeline = makeTimeline(10);
    expect([9, 10, 11, 12].map((seq) => order(timeline, seq))).toEqual([
      'old',
      'old',
      'next',
      'gap',
    ]);
    expect(apply(timeline, makeEvent(12))).toBe(timeline);
  });

  test('an edit changes the body and keeps the place', () => {
    const timeline = applyAll(
      makeTimeline(0),
      makeEvent(1),
      makeEvent(2),
      makeEvent(3, { type: 'edit', target: 1, body: 'better' }),
    );
    expect(seqs(timeline)).toEqual([1, 2]);
    expect(body(timeline, 1)).toBe('better');
    expect(timeline.seq).toBe(3);
  });

  test('a delete leaves a tombstone without body or reactions, which no later edit brings back', () => {
    const timeline = applyAll(
      makeTimeline(0),
      makeEvent(1),
      makeEvent(2, { type: 'reaction', target: 1, emoji: '👍', added: true }),
      makeEvent(3, { type: 'delete', target: 1 }),
      makeEvent(4, { type: 'edit', target: 1, body: 'back' }),
    );
    expect(findEntry(timeline, 1)).toMatchObject({ body: '', deleted: true, reactions: [] });
  });

  test('reactions count each user once and vanish with the last one', () => {
    const reaction = (seq: number, user_id: string, added: boolean) =>
      makeEvent(seq, { type: 'reaction', target: 1, emoji: '👍', user_id, added });
    const both = applyAll(
      makeTimeline(0),
      makeEvent(1),
      reaction(2, 'b', true),
      reaction(3, 'c', true),
      reaction(4, 'b', true),
    );
    expect(findEntry(both, 1)).toMatchObject({
      reactions: [{ emoji: '👍', count: 2, user_ids: ['b', 'c'] }],
    });
    const none = applyAll(both, reaction(5, 'b', false), reaction(6, 'c', false));
    expect(findEntry(none, 1)).toMatchObject({ reactions: [] });
  });

  test('a member event becomes a notice with its own seq', () => {
    const timeline = apply(makeTimeline(4), makeEvent(5, { type: 'member', role: null, by: null }));
    expect(timeline.entries).toMatchObject([{ kind: 'notice', seq: 5, username: 'bob' }]);
  });
});

describe('history', () => {
  test('a page goes before what is live, and nothing is there twice', () => {
    const live = apply(expectHistory(makeTimeline(10)), makeEvent(11));
    const timeline = prepend(live, makePage([8, 9, 10, 11]));
    expect(seqs(timeline)).toEqual([8, 9, 10, 11]);
    expect(timeline.has_older).toBe(false);
  });

  test('a page has who joined and left, and what the room was called, between the messages', () => {
    const joined = makeEvent(8, { type: 'member', role: 'member', by: null });
    const renamed = makeEvent(10, { type: 'room', name: 'Hall', visibility: 'public' });
    const page = makePage([9]);
    page.items = [joined, ...page.items, renamed] as typeof page.items;
    const timeline = prepend(expectHistory(makeTimeline(10)), page);
    expect(timeline.entries).toMatchObject([
      { seq: 8, notice: { type: 'member', role: 'member', by_self: true } },
      { seq: 9, body: 'message 9' },
      { seq: 10, notice: { type: 'room', name: 'Hall' } },
    ]);
  });

  test('an edit that overtakes the page with its target is not lost', () => {
    const edited = apply(
      expectHistory(makeTimeline(10)),
      makeEvent(11, { type: 'edit', target: 9, body: 'better' }),
    );
    expect(body(prepend(edited, makePage([9, 10])), 9)).toBe('better');
  });

  test('a page that was asked for before a reset is dropped', () => {
    const reset = makeTimeline(900);
    expect(seqs(prepend(reset, makePage([1, 2])))).toEqual([]);
  });

  test('a page of another epoch is dropped', () => {
    const timeline = prepend(expectHistory(makeTimeline(10)), makePage([1], { epoch: 'e2' }));
    expect(seqs(timeline)).toEqual([]);
    expect(timeline.has_older).toBe(true);
  });
});

describe('counting the unread', () => {
  test('messages of others after the read position count, mine and deleted ones do not', () => {
    const timeline = applyAll(
      makeTimeline(0),
      makeEvent(1),
      makeEvent(2),
      makeEvent(3, { user_id: ME }),
      makeEvent(4),
      makeEvent(5, { type: 'delete', target: 4 }),
    );
    expect(countUnread(timeline, 1, ME)).toBe(1);
  });

  test('what is not loaded cannot be counted', () => {
    expect(countUnread(makeTimeline(10), 5, ME)).toBeNull();
    expect(countUnread(makeTimeline(10), 10, ME)).toBe(0);
  });
});

test('a field named __proto__ in an event pollutes nothing', () => {
  const event = JSON.parse(
    JSON.stringify(makeMessage(1)).replace('{', '{"type":"message","__proto__":{"polluted":1},'),
  );
  apply(makeTimeline(0), event);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

describe('the replies below a message', () => {
  const reply = (seq: number, fields: Record<string, unknown> = {}) =>
    makeEvent(seq, { reply_to: 1, thread: 1, at: `2026-01-05T10:00:0${seq}.000Z`, ...fields });
  const gone = (seq: number, target: number) =>
    makeEvent(seq, { type: 'delete', target, thread: 1 });
  const below = (timeline: Timeline, seq = 1) => {
    const entry = findEntry(timeline, seq);
    return entry?.kind === 'message' && [entry.reply_count, entry.last_reply_at?.slice(18, 19)];
  };

  test('are counted as they come and go', () => {
    let timeline = apply(makeTimeline(0), makeEvent(1));
    const events = [reply(2), reply(3), gone(4, 3), gone(5, 1), reply(6), gone(7, 2), gone(8, 6)];
    const counts = events.map((event) => {
      timeline = apply(timeline, event);
      return below(timeline);
    });
    expect(counts).toEqual([
      ...[
        [1, '2'],
        [2, '3'],
        [1, '2'],
        [1, '2'],
        [2, '6'],
        [1, '6'],
      ],
      [0, undefined],
    ]);
    expect(findEntry(timeline, 2)).toMatchObject({ thread: 1, reply_count: 0 });
    expect(doubtful(timeline, events)).toEqual([]);
  });

  test('stay the same entry while nothing changes', () => {
    const before = applyAll(makeTimeline(0), makeEvent(1), makeEvent(2), reply(3));
    const after = apply(before, reply(4));
    expect(findEntry(after, 2)).toBe(findEntry(before, 2));
  });

  test('are counted once where history has counted them already', () => {
    const waiting = applyAll(expectHistory(makeTimeline(2)), reply(3), gone(4, 2));
    const root = makeMessage(1, { reply_count: 1, last_reply_at: '2026-01-05T10:00:03.000Z' });
    const items = [root, makeMessage(2, { thread: 1, deleted: true })];
    const timeline = prepend(waiting, { items, epoch: 'e1', has_more: false });
    expect(below(timeline)).toEqual([1, '3']);
  });

  test('are doubtful where newer messages are not loaded, until the server has told', () => {
    const page = { items: [makeMessage(1), makeMessage(2)], epoch: 'e1', has_more: true };
    const far = append(expectHistory(openAt(makeTimeline(90), 1)), page);
    const events = [reply(91), gone(92, 50)];
    const timeline = applyAll(far, ...events.slice(0, 1));
    expect(below(timeline)).toEqual([1, '9']);
    expect(below(apply(timeline, gone(92, 50)))).toEqual([0, undefined]);
    expect(doubtful(timeline, [...events, makeEvent(93)])).toEqual([1]);
    const told = recounted(
      timeline,
      makeMessage(1, { reply_count: 7, last_reply_at: '2026-01-05T10:00:08.000Z' }),
    );
    expect(below(told)).toEqual([7, '8']);
  });
});
