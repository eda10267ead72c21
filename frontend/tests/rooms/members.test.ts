import type { Api } from 'tailwire-client/wire/api/api';
import type { EntryEvent, Member, Role } from 'tailwire-client/wire/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { canManage, canRemove } from '../../src/rooms/governing';
import { Members } from '../../src/rooms/members';
import { Names } from '../../src/rooms/names';
import { AT, makeEvent, makeRoom } from '../make';

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
  members = new Members({ members: { list: answer } } as unknown as Api, names);
});

test('a user goes by the username until the members of a room are known', async () => {
  expect(names.of(grace)).toBe('grace_h');
  await members.know('lobby');
  expect(names.of(grace)).toBe('Grace Hopper');
});

test('a picture is known with the members, and is another or none when the user says so', async () => {
  expect(names.avatarOf('grace-id')).toBeUndefined();
  const told = { ...grace, display_name: 'Grace Hopper', role: 'owner', joined_at: AT };
  const list = async () => ({ items: [{ ...told, avatar: 'one' }], next_cursor: null });
  members = new Members({ members: { list } } as unknown as Api, names);
  await members.know('lobby');
  expect(names.avatarOf('grace-id')).toBe('one');
  const { display_name } = told;
  members.renamed({ type: 'user', ...grace, display_name, avatar: 'two' });
  expect(names.avatarOf('grace-id')).toBe('two');
  // An older server tells of no pictures.
  members.renamed({ type: 'user', ...grace, display_name });
  expect(names.avatarOf('grace-id')).toBe('two');
  members.renamed({ type: 'user', ...grace, display_name, avatar: null });
  expect(names.avatarOf('grace-id')).toBe('');
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

describe('a member', () => {
  const bob = { id: 'bob-id', username: 'bob', display_name: 'Bob' };
  const sent: unknown[] = [];

  beforeEach(() => {
    sent.length = 0;
    const { id: user_id, username, display_name } = bob;
    members = new Members(
      {
        members: {
          list: async () => ({ items: [], next_cursor: null }),
          setRole: async (...what: [string, string, Role]) => {
            sent.push(what);
            return { user_id, username, display_name, role: what[2], joined_at: AT };
          },
          remove: async (...what: unknown[]) => void sent.push(what),
        },
      } as unknown as Api,
      names,
    );
  });

  const roles = () => members.of('den')?.members.map(({ username, role }) => [username, role]);

  test('is added, changed and removed, and the list follows at once', async () => {
    await members.know('den');
    await members.setRole('den', 'bob-id', 'reader');
    expect(roles()).toEqual([['bob', 'reader']]);
    expect(names.of({ user_id: 'bob-id', username: 'bob' })).toBe('Bob');
    await members.setRole('den', 'bob-id', 'owner');
    expect(roles()).toEqual([['bob', 'owner']]);
    await members.remove('den', 'bob-id');
    expect(roles()).toEqual([]);
    expect(sent).toEqual([
      ['den', 'bob-id', 'reader'],
      ['den', 'bob-id', 'owner'],
      ['den', 'bob-id'],
    ]);
  });
});

describe('what is offered', () => {
  const member = (user_id: string, role: Role): Member => ({
    user_id,
    username: user_id,
    display_name: user_id,
    role,
    joined_at: AT,
  });
  const [olga, mo, mia] = [member('o', 'owner'), member('mo', 'moderator'), member('m', 'member')];
  const all = [olga, mo, mia];
  const offered = (role: Role | null, members = all) => {
    const room = makeRoom({ id: 'den', role });
    return members.filter((one) => canManage(room, one, members)).map(({ user_id }) => user_id);
  };

  test('reaches as far as a role does, and leaves the last owner alone', () => {
    expect(offered('owner')).toEqual(['mo', 'm']);
    expect(offered('owner', [...all, member('o2', 'owner')])).toEqual(['o', 'mo', 'm', 'o2']);
    expect(offered('moderator')).toEqual(['m']);
    expect(offered('member')).toEqual([]);
    expect(offered('reader')).toEqual([]);
    expect(offered(null)).toEqual([]);
  });

  test('is no removal of oneself, nor from the lobby', () => {
    expect(canRemove(makeRoom({ id: 'den', role: 'owner' }), mia, 'o')).toBe(true);
    expect(canRemove(makeRoom({ id: 'den', role: 'owner' }), olga, 'o')).toBe(false);
    expect(canRemove(makeRoom({ id: 'lobby', role: 'owner' }), mia, 'o')).toBe(false);
  });
});

describe('a list of members that is on its way', () => {
  const entry = (user_id: string, role: Role | null) =>
    makeEvent(11, { type: 'member', user_id, username: user_id, role, by: null });
  const member = (user_id: string, display_name = user_id): Member => ({
    ...{ user_id, username: user_id, display_name },
    ...{ role: 'member', joined_at: AT },
  });
  const shown = () => members.of('lobby')?.members.map(({ user_id }) => user_id);
  let answers: ((members: Member[]) => void)[];

  beforeEach(() => {
    answers = [];
    const list = () =>
      new Promise((resolve) => {
        answers.push((items) => resolve({ items, next_cursor: null }));
      });
    const remove = async () => {};
    members = new Members({ members: { list, remove } } as unknown as Api, names);
  });

  test('keeps who joined, left or was removed meanwhile', async () => {
    const loading = members.load('lobby');
    members.apply(entry('carol', 'member'));
    members.apply(entry('dave', null));
    await members.remove('lobby', 'erin');
    answers[0]?.(['bob', 'dave', 'erin'].map((id) => member(id)));
    await loading;
    expect(shown()).toEqual(['bob', 'carol']);
  });

  test('that joins is shown by the name in the entry, unless another is known', () => {
    const joined = { ...entry('frank', 'member'), display_name: 'Frank' } as EntryEvent;
    members.apply(joined);
    expect(names.of({ user_id: 'frank', username: 'frank' })).toBe('Frank');
    names.learn('frank', 'Francis');
    members.apply(joined);
    expect(names.of({ user_id: 'frank', username: 'frank' })).toBe('Francis');
  });

  test('does not bring an old name back', async () => {
    const loading = members.load('lobby');
    members.renamed({ type: 'user', user_id: 'bob', username: 'bob', display_name: 'Robert' });
    answers[0]?.([member('bob', 'Bob')]);
    await loading;
    expect(members.of('lobby')?.members[0]?.display_name).toBe('Robert');
    expect(names.of({ user_id: 'bob', username: 'bob' })).toBe('Robert');
  });

  test('counts only if none was asked for after it', async () => {
    const first = members.load('lobby');
    const second = members.load('lobby');
    answers[1]?.([member('bob'), member('carol')]);
    await second;
    answers[0]?.([member('bob')]);
    await first;
    expect(shown()).toEqual(['bob', 'carol']);
  });
});

test('a role that was changed again before the answer came is not taken back', async () => {
  const bob: Member = {
    user_id: 'bob-id',
    username: 'bob',
    display_name: 'Bob',
    role: 'member',
    joined_at: AT,
  };
  let answer: (member: Member) => void = () => {};
  const setRole = () =>
    new Promise<Member>((resolve) => {
      answer = resolve;
    });
  const list = async () => ({ items: [bob], next_cursor: null });
  members = new Members({ members: { list, setRole } } as unknown as Api, names);
  await members.load('lobby');
  const changing = members.setRole('lobby', 'bob-id', 'moderator');
  members.apply(makeEvent(11, { type: 'member', user_id: 'bob-id', role: 'moderator', by: 'a' }));
  members.apply(makeEvent(12, { type: 'member', user_id: 'bob-id', role: 'reader', by: 'b' }));
  answer({ ...bob, role: 'moderator' });
  await changing;
  expect(members.of('lobby')?.members[0]?.role).toBe('reader');
});
