import type { Member, Role, Room } from 'tailwire-client/wire/protocol';
import { expect, test } from 'vitest';
import { personActions } from '../../src/rooms/person_actions';
import { AT, ME, makeRoom } from '../make';

const ALL = new Set(['direct', 'mentions', 'bans', 'blocks']);

const makeMember = (role: Role, user_id = 'bob-id'): Member => ({
  ...{ user_id, username: 'bob', display_name: 'Bob', role, joined_at: AT },
});

function offered(
  mine: Role,
  theirs: Role | null,
  fields: Partial<Room> = {},
  others: Partial<Parameters<typeof personActions>[0]> = {},
): string {
  const member = theirs && makeMember(theirs);
  const room = makeRoom({ id: 'den', role: mine, ...fields });
  const members = [makeMember(mine, ME), ...(member ? [member] : [])];
  const asked = {
    room,
    user_id: 'bob-id',
    member,
    members,
    me: ME,
    isBlocked: false,
    isDeaf: false,
  };
  return personActions({ ...asked, features: ALL, ...others }).join(' ');
}

test.each<[Role, Role | null, string]>([
  ['owner', 'moderator', 'direct mention role remove ban messages block'],
  ['owner', 'owner', 'direct mention role remove ban messages block'],
  ['moderator', 'member', 'direct mention role remove ban messages block'],
  ['moderator', 'moderator', 'direct mention block'],
  ['moderator', null, 'direct ban messages block'],
  ['member', 'reader', 'direct mention block'],
  ['reader', 'member', 'direct block'],
])('%s is offered to do with %s: %s', (mine, theirs, actions) => {
  expect(offered(mine, theirs)).toBe(actions);
});

test('what nobody would read is not offered for the bot of a hook', () => {
  expect(offered('moderator', 'member', {}, { isDeaf: true })).toBe(
    'role remove ban messages block',
  );
});

test('with oneself nothing is done', () => {
  expect(offered('owner', 'owner', {}, { user_id: ME })).toBe('');
});

test('nobody is removed or banned from the lobby', () => {
  expect(offered('owner', 'member', { id: 'lobby' })).toBe('direct mention role messages block');
});

test('in a direct room nobody governs, and one of two leads nowhere else', () => {
  const direct: Partial<Room> = { kind: 'direct', member_count: 2 };
  expect(offered('member', 'member', direct)).toBe('mention block');
  expect(offered('member', 'member', { ...direct, member_count: 3 })).toBe('direct mention block');
});

test('whom one blocked one can only hear again', () => {
  expect(offered('member', 'member', {}, { isBlocked: true })).toBe('mention unblock');
});

test('what the server does not name in its features is not offered', () => {
  expect(offered('owner', 'member', {}, { features: new Set() })).toBe('role remove');
});
