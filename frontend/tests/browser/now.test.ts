import { expect, test } from 'vitest';
import { Now } from '../../src/browser/now';
import { ago, dayName, shortTime } from '../../src/browser/time';
import { ManualClock } from '../doubles/manual_clock';

const MINUTE = 60_000;
const evening = new Date(2026, 0, 5, 23, 58, 30);

/** A page that was opened in the evening. */
async function opened() {
  const clock = new ManualClock();
  await clock.advance(evening.getTime() - clock.now());
  return { clock, now: new Now(clock) };
}

test('at midnight "Today" becomes "Yesterday", without anything else being drawn before', async () => {
  const { clock, now } = await opened();
  const today = now.today.value;
  const at = evening.toISOString();
  await clock.advance(MINUTE);
  expect(now.today.value).toBe(today);
  expect(dayName(at, now.today.value)).toBe('Today');
  await clock.advance(MINUTE);
  expect(dayName(at, now.today.value)).toBe('Yesterday');
  expect(shortTime(at, now.today.value)).toBe('Mon');
});

test('a page that slept for days knows the day as soon as it wakes', async () => {
  const { clock, now } = await opened();
  const timers = clock.armed;
  clock.jump(4 * 24 * 60 * MINUTE);
  expect(dayName(evening.toISOString(), now.today.value)).toBe('Today');
  now.look();
  expect(dayName(evening.toISOString(), now.today.value)).toBe('Monday, January 5');
  expect(clock.armed).toBe(timers);
});

test('minutes pass', async () => {
  const { clock, now } = await opened();
  expect(ago(evening.toISOString(), now.minute.value)).toBe('just now');
  await clock.advance(5 * MINUTE);
  expect(ago(evening.toISOString(), now.minute.value)).toBe('4 minutes ago');
});
