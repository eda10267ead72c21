import {
  append,
  apply,
  expectHistory,
  prepend,
  startTimeline,
  type Timeline,
} from 'tailwire-client/rooms/timeline';
import type { HistoryPage } from 'tailwire-client/wire/protocol';
import { expect, test } from 'vitest';
import { nearby, trim } from '../../src/rooms/extent';
import { NEWEST, newer, older, rangeOf, tamed } from '../../src/rooms/window';
import { makeEvent, makePage, makeTimeline } from '../make';

const PAGE = 50;

const seqs = (timeline: Timeline) => timeline.entries.map(({ seq }) => seq);
const run = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** The pages of a log of messages without holes, up to `last`. */
const before = (seq: number): HistoryPage =>
  makePage(run(Math.max(1, seq - PAGE), seq - 1), { has_more: seq - PAGE > 1 });
const after = (seq: number, last: number): HistoryPage =>
  makePage(run(seq + 1, Math.min(last, seq + PAGE)), { has_more: seq + PAGE < last });

test('a page that comes after a trim is dropped, for it would leave a hole', () => {
  let timeline = prepend(expectHistory(makeTimeline(10)), makePage([8, 9, 10], { has_more: true }));
  timeline = trim(expectHistory(timeline), 1);
  expect(seqs(prepend(timeline, makePage([5, 6, 7])))).toEqual([10]);
  expect(timeline.loaded_from).toBe(10);
});

test('scrolling through a long room and back holds a part of it, without a hole, and ends live', () => {
  let last = 20_000;
  let timeline = startTimeline({ epoch: 'e1', seq: last });
  let view = NEWEST;
  let most = 0;
  const settle = () => {
    view = tamed(timeline.entries, view, { follows: false, isLive: timeline.loaded_to === null });
    timeline = nearby(timeline, rangeOf(timeline.entries, view));
    most = Math.max(most, timeline.entries.length);
    const { entries, loaded_from, loaded_to } = timeline;
    if (entries.length > 0) expect(seqs(timeline)).toEqual(run(loaded_from, loaded_to ?? last));
  };
  const hear = () => {
    last += 1;
    timeline = apply(timeline, makeEvent(last));
    settle();
  };

  for (let count = 0; timeline.has_older || rangeOf(timeline.entries, view).from > 0; count++) {
    const { from } = rangeOf(timeline.entries, view);
    if (from > 0) view = older(timeline.entries, view);
    else timeline = prepend(expectHistory(timeline), before(timeline.loaded_from));
    settle();
    if (count % 10 === 0) hear();
  }
  expect(timeline.entries[0]?.seq).toBe(1);
  expect(timeline.loaded_to).not.toBeNull();
  while (view.last !== null || timeline.loaded_to !== null) {
    if (rangeOf(timeline.entries, view).to < timeline.entries.length)
      view = newer(timeline.entries, view);
    else timeline = append(expectHistory(timeline), after(timeline.loaded_to ?? 0, last));
    settle();
  }
  hear();
  expect(timeline.entries.at(-1)?.seq).toBe(last);
  expect(timeline.loaded_from).toBeGreaterThan(last - 1_000);
  expect(most).toBeLessThanOrEqual(850);
});

test('who follows a busy room holds its newest part', () => {
  let timeline = makeTimeline(0);
  for (let seq = 1; seq <= 3_000; seq++) {
    timeline = apply(timeline, makeEvent(seq));
    timeline = nearby(timeline, rangeOf(timeline.entries, NEWEST));
  }
  expect(timeline.loaded_to).toBeNull();
  expect(timeline.has_older).toBe(true);
  expect(timeline.entries.length).toBeLessThanOrEqual(800);
  expect(timeline.entries.at(-1)?.seq).toBe(3_000);
});

test('while a page is on its way nothing is dropped, for it would leave a hole', () => {
  let timeline = prepend(
    expectHistory(makeTimeline(2_000)),
    makePage(run(1_001, 2_000), { has_more: true }),
  );
  timeline = expectHistory(timeline);
  expect(nearby(timeline, { from: 900, to: 1_000 })).toBe(timeline);
});
