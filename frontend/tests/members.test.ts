import { beforeEach, expect, test } from 'vitest';
import type { Api } from '../src/api';
import { Members } from '../src/members';
import { Names } from '../src/names';
import { AT } from './make';

const grace = { user_id: 'grace-id', username: 'grace_h' };
let asked: number;
let away: boolean;
let names: Names;
let members: Members;

beforeEach(() => {
  asked = 0;
  away = false;
  names = new Names();
  const answer = async () => {
    asked += 1;
    if (away) throw new Error('away');
    const member = { ...grace, display_name: 'Grace Hopper', role: 'owner', joined_at: AT };
    return { items: [member], next_cursor: null };
  };
  members = new Members({ members: answer } as unknown as Api, names);
});

test('a user goes by the username until the members of a room are known', async () => {
  expect(names.of(grace)).toBe('grace_h');
  await members.know('lobby');
  expect(names.of(grace)).toBe('Grace Hopper');
});

test('members that are known are not asked for again', async () => {
  await members.know('lobby');
  await members.know('lobby');
  expect(asked).toBe(1);
});

test('members that could not be loaded are asked for again', async () => {
  away = true;
  await members.know('lobby');
  expect(members.of('lobby')?.state).toBe('failed');
  away = false;
  await members.know('lobby');
  expect(members.of('lobby')?.state).toBe('loaded');
});
