import type { UsersApi } from 'tailwire-client/wire/api/users';
import { Problem } from 'tailwire-client/wire/problem';
import { beforeEach, expect, test } from 'vitest';
import { People, userNamed } from '../../src/rooms/people';
import { ManualClock } from '../doubles/manual_clock';

const user = (username: string) => ({ id: username, username, display_name: username });

let asked: string[];
let more: string | null;
let away: boolean;
let empty: number;
let clock: ManualClock;
let people: People;

beforeEach(() => {
  asked = [];
  more = null;
  away = false;
  empty = 0;
  clock = new ManualClock();
  const findUsers = async (prefix: string, cursor?: string) => {
    asked.push(cursor ? `${prefix} ${cursor}` : prefix);
    if (away) throw new Error('away');
    if (empty > 0) return { items: [], next_cursor: `${empty--} more` };
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

test('pages without anybody are passed over, up to a few', async () => {
  empty = 2;
  people.look('bob');
  await clock.advance(1_000);
  expect(asked).toEqual(['bob', 'bob 2 more', 'bob 1 more']);
  expect(found()).toEqual(['bobby']);
  empty = 9;
  people.look('bo');
  await clock.advance(1_000);
  expect(asked.length).toBe(7);
  expect(found()).toEqual([]);
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

test('a username is found in upper and lower case, and one that nobody has is said at the field', async () => {
  const users = {
    find: async (text: string) => ({ items: [user('bobby'), user(text)], next_cursor: null }),
  } as unknown as UsersApi;
  expect(await userNamed(users, 'Bob')).toMatchObject({ id: 'bob' });
  const nobody = { find: async () => ({ items: [user('bobby')], next_cursor: null }) };
  const failed = await userNamed(nobody as unknown as UsersApi, 'bobb').catch((problem) => problem);
  expect(failed).toBeInstanceOf(Problem);
  expect(failed.fields.get('username')).toBe('Nobody here has this username.');
});
