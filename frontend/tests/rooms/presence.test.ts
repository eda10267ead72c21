import type { Command } from 'tailwire-client/wire/commands';
import { beforeEach, describe, expect, test } from 'vitest';
import { Presence } from '../../src/rooms/presence';
import { ManualClock } from '../doubles/manual_clock';

let clock: ManualClock;
let sent: Command[];
let isTold: boolean;
let presence: Presence;

beforeEach(() => {
  clock = new ManualClock();
  sent = [];
  isTold = true;
  presence = new Presence({
    clock,
    isTold: () => isTold,
    send: (command) => sent.push(command) > 0,
  });
});

const hear = (user_id: string, online: boolean) =>
  presence.heard({ type: 'presence', user_id, online });
const watched = () => sent.map((command) => command.type === 'watch' && command.user_ids);

test('the users of all views are watched together, and no longer than they are shown', async () => {
  const end = presence.show(['bob', 'carol']);
  presence.show(['carol', 'dora']);
  await clock.advance(200);
  end();
  await clock.advance(200);
  expect(watched()).toEqual([
    ['bob', 'carol', 'dora'],
    ['carol', 'dora'],
  ]);
});

test('a view that is drawn anew with the same users asks for nothing', async () => {
  presence.show(['bob'])();
  presence.show(['bob']);
  await clock.advance(200);
  presence.show(['bob']);
  await clock.advance(200);
  expect(sent).toHaveLength(1);
});

test('of more than 200 users those of the newest view are watched', async () => {
  presence.show(Array.from({ length: 150 }, (_, index) => `old-${index}`));
  const fresh = Array.from({ length: 150 }, (_, index) => `new-${index}`);
  presence.show(fresh);
  await clock.advance(200);
  const [command] = watched();
  expect(command).toHaveLength(200);
  expect(command).toEqual(expect.arrayContaining(fresh));
});

test('a server that does not tell it is not asked', async () => {
  isTold = false;
  presence.show(['bob']);
  await clock.advance(200);
  presence.connected();
  expect(sent).toEqual([]);
});

describe('whether a user is online', () => {
  test('is what was told last, and not known before', () => {
    expect(presence.of('bob')).toBeUndefined();
    hear('bob', true);
    expect(presence.of('bob')).toBe(true);
    hear('bob', false);
    expect(presence.of('bob')).toBe(false);
  });

  test('is what a list says of those who are not watched', async () => {
    presence.show(['bob']);
    await clock.advance(200);
    hear('bob', true);
    presence.listed('bob', false);
    presence.listed('carol', true);
    presence.listed('dora', undefined);
    expect([presence.of('bob'), presence.of('carol')]).toEqual([true, true]);
    expect(presence.of('dora')).toBeUndefined();
  });

  test('is not known without a connection, and asked for with the next one', async () => {
    presence.show(['bob']);
    await clock.advance(200);
    hear('bob', true);
    presence.lost();
    expect(presence.of('bob')).toBeUndefined();
    presence.connected();
    expect(watched()).toEqual([['bob'], ['bob']]);
  });
});
