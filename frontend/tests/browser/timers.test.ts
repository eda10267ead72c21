import { Timers } from 'tailwire-client/timers';
import { beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../doubles/manual_clock';

let clock: ManualClock;
let timers: Timers;
let ran: string[];

beforeEach(() => {
  clock = new ManualClock();
  timers = new Timers(clock);
  ran = [];
});

test('a timer runs once, and its name is free while it runs', async () => {
  timers.arm('a', 10, () => ran.push(timers.has('a') ? 'still armed' : 'free'));
  await clock.advance(20);
  expect(ran).toEqual(['free']);
  expect(clock.armed).toBe(0);
});

test('arming a name again starts it over', async () => {
  timers.arm('a', 10, () => ran.push('first'));
  await clock.advance(5);
  timers.arm('a', 10, () => ran.push('second'));
  await clock.advance(9);
  expect(ran).toEqual([]);
  await clock.advance(1);
  expect(ran).toEqual(['second']);
});

test('what is disarmed does not run, and says whether it was armed', async () => {
  timers.arm('a', 10, () => ran.push('a'));
  timers.arm('b', 10, () => ran.push('b'));
  timers.arm('c', 10, () => ran.push('c'));
  expect([timers.disarm('a'), timers.disarm('a')]).toEqual([true, false]);
  timers.disarmAll();
  await clock.advance(20);
  expect([ran, clock.armed]).toEqual([[], 0]);
});
