import type { Role, Room } from 'tailwire-client/wire/protocol';
import { expect, test } from 'vitest';
import { canBan, mayDelete, settingsToChange } from '../../src/rooms/governing';
import { makeRoom } from '../make';

const den = (fields: Partial<Room>) => makeRoom({ id: 'den', ...fields });

test.each<[Role | null, Partial<Room>, string]>([
  ['owner', {}, 'name topic visibility post_role slow_seconds archived'],
  ['moderator', {}, 'topic slow_seconds'],
  ['member', {}, ''],
  ['reader', {}, ''],
  [null, {}, ''],
  ['owner', { archived: true }, 'archived'],
  ['moderator', { archived: true }, ''],
  ['owner', { id: 'lobby' }, 'name topic post_role slow_seconds'],
  ['owner', { kind: 'direct' }, ''],
])('the settings that %s of %j is offered: %s', (role, fields, settings) => {
  expect(settingsToChange(den({ role, ...fields })).join(' ')).toBe(settings);
});

test('an owner deletes a room, but neither the lobby nor a direct room', () => {
  expect(mayDelete(den({ role: 'owner' }))).toBe(true);
  expect(mayDelete(den({ role: 'moderator' }))).toBe(false);
  expect(mayDelete(den({ role: 'owner', id: 'lobby' }))).toBe(false);
  expect(mayDelete(den({ role: 'owner', kind: 'direct' }))).toBe(false);
});

test('who governs a room bans, but not from the lobby or a direct room', () => {
  expect(canBan(den({ role: 'moderator' }))).toBe(true);
  expect(canBan(den({ role: 'member' }))).toBe(false);
  expect(canBan(den({ role: 'owner', id: 'lobby' }))).toBe(false);
  expect(canBan(den({ role: 'owner', kind: 'direct' }))).toBe(false);
});
