import { beforeEach, expect, test } from 'vitest';
import { People } from '../../src/rooms/people';
import type { UsersApi } from '../../src/wire/api/users';
import { ManualClock } from '../doubles/manual_clock';

const user = (username: string) => ({ id: username, username, display_name: username });

let asked: string[];
let more: string | null;
let away: boolean;
let clock: ManualClock;
let people: People;

beforeEach(() => {
  asked = [];
  more = null;
  away = false;
  clock = new ManualClock();
  const findUsers = async (prefix: string) => {
    asked.push(prefix);
    if (away) throw new Error('away');
    return { items: [user(`${prefix}by`)], next_cursor: more };
  };
  people = new People({ find: findUsers } as unknown as UsersApi, clock);
});

const found = () => people.found.value.map(({ username }) => username);

test('who types is asked for once they pause, and not for one letter', async () => {
  people.look('b');
  await clock.advance(1_000);
  expect(asked).toEqual([]);
  people.look('bo');
  people.look('BOB');
  await clock.advance(1_000);
  expect(asked).toEqual(['bob']);
  expect(found()).toEqual(['bobby']);
});

test('what is typed further is not asked for again once all are known', async () => {
  people.look('bob');
  await clock.advance(1_000);
  people.look('bobb');
  await clock.advance(1_000);
  expect(asked).toEqual(['bob']);
  expect(found()).toEqual(['bobby']);
  people.look('bo');
  expect(found()).toEqual([]);
  await clock.advance(1_000);
  expect(asked).toEqual(['bob', 'bo']);
});

test('where there are more of them, what is typed further is asked for', async () => {
  more = 'cursor';
  people.look('bob');
  await clock.advance(1_000);
  people.look('bobb');
  await clock.advance(1_000);
  expect(asked).toEqual(['bob', 'bobb']);
});

test('a search that fails suggests nobody, and is tried with the next letter', async () => {
  away = true;
  people.look('bob');
  await clock.advance(1_000);
  expect(found()).toEqual([]);
  away = false;
  people.look('bobb');
  await clock.advance(1_000);
  expect(found()).toEqual(['bobbby']);
});
