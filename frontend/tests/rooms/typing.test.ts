import type { Command } from 'tailwire-client/wire/commands';
import { beforeEach, expect, test } from 'vitest';
import { Typing } from '../../src/rooms/typing';
import { ManualClock } from '../doubles/manual_clock';

let clock: ManualClock;
let sent: Command[];
let typing: Typing;

beforeEach(() => {
  clock = new ManualClock();
  sent = [];
  let refs = 0;
  typing = new Typing({
    clock,
    user_id: 'alice-id',
    makeRef: () => `ref-${++refs}`,
    send: (command) => sent.push(command) > 0,
  });
});

const hear = (user_id: string, username: string) =>
  typing.heard({ type: 'typing', room_id: 'lobby', user_id, username });

const shown = () => typing.in('lobby').map(({ username }) => username);

test('keys pressed within three seconds are told once', async () => {
  typing.pressed('lobby');
  typing.pressed('lobby');
  await clock.advance(3_000);
  typing.pressed('lobby');
  expect(sent).toHaveLength(2);
});

test('a server that refuses it is not asked again', async () => {
  typing.pressed('lobby');
  expect(typing.refused({ type: 'error', ref: 'ref-1', code: 'unknown_type' })).toBe(true);
  await clock.advance(3_000);
  typing.pressed('lobby');
  expect(sent).toHaveLength(1);
});

test('others are shown until their message comes or five seconds pass, oneself never', async () => {
  hear('bob-id', 'bob');
  hear('carol-id', 'carol');
  hear('alice-id', 'alice');
  expect(shown()).toEqual(['bob', 'carol']);
  typing.stopped('lobby', 'bob-id');
  expect(shown()).toEqual(['carol']);
  await clock.advance(5_000);
  expect(shown()).toEqual([]);
});
