import { messageEntry } from 'tailwire-client/rooms/timeline';
import { expect, test } from 'vitest';
import { around, NEWEST, newer, older, rangeOf, tamed } from '../../src/rooms/window';
import { makeMessage } from '../make';

const READING = { follows: false, isLive: true };

const makeEntries = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => messageEntry(makeMessage(from + index)));
const entries = makeEntries(1, 10_000);
const size = (window: typeof NEWEST, list = entries) => {
  const { from, to } = rangeOf(list, window);
  return to - from;
};

test('a long room starts with its newest part', () => {
  expect(rangeOf(entries, NEWEST)).toEqual({ from: 9_960, to: 10_000 });
});

test('scrolling through ten thousand messages never holds more than 240', () => {
  let window = tamed(entries, NEWEST, READING);
  let largest = 0;
  while (rangeOf(entries, window).from > 0) {
    window = older(entries, window);
    largest = Math.max(largest, size(window));
  }
  while (window.last !== null) {
    window = newer(entries, window);
    largest = Math.max(largest, size(window));
  }
  expect(largest).toBeLessThanOrEqual(240);
  expect(rangeOf(entries, window).to).toBe(10_000);
});

test('pages put before it do not move what is shown', () => {
  const shown = around(makeEntries(5_000, 6_000), 5_500);
  const before = rangeOf(makeEntries(5_000, 6_000), shown);
  const after = rangeOf(makeEntries(4_000, 6_000), shown);
  expect(after).toEqual({ from: before.from + 1_000, to: before.to + 1_000 });
});

test('who follows the newest loses the oldest, who reads further up does not', () => {
  const reading = { first: 5_000, last: null };
  const list = makeEntries(1, 5_400);
  expect(rangeOf(list, tamed(list, reading, READING))).toEqual({ from: 4_999, to: 5_239 });
  expect(tamed(list, reading, { follows: true, isLive: true })).toBe(NEWEST);
});

test('pages that come at the end of a part of the log do not push out what is read there', () => {
  const far = { follows: false, isLive: false };
  let window = tamed(makeEntries(1, 240), { first: 1, last: null }, far);
  for (let loaded = 290; loaded <= 490; loaded += 50) {
    const list = makeEntries(1, loaded);
    expect(tamed(list, window, far)).toBe(window);
    const before = rangeOf(list, window);
    window = tamed(list, newer(list, window), far);
    expect(rangeOf(list, window).to).toBe(before.to + 20);
  }
});

test('a window at the end of what is loaded follows the newest once that is the end of the log', () => {
  const list = makeEntries(1, 100);
  const window = tamed(list, { first: 50, last: null }, { follows: false, isLive: false });
  expect(window.last).toBe(100);
  expect(tamed(list, window, READING).last).toBeNull();
});
