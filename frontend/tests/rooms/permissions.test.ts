import type { Role, Room } from 'tailwire-client/wire/protocol';
import { expect, test } from 'vitest';
import { closedBy, slowness } from '../../src/rooms/permissions';
import { makeRoom } from '../make';

const den = (fields: Partial<Room>) => makeRoom({ id: 'den', ...fields });

test.each<[Role | null, Partial<Room>, string | null]>([
  ['owner', { archived: true }, 'archived'],
  ['reader', {}, 'reader'],
  ['member', {}, null],
  ['member', { post_role: 'member' }, null],
  ['member', { post_role: 'moderator' }, 'role'],
  ['moderator', { post_role: 'moderator' }, null],
])('writing of %s in %j is closed by %s', (role, fields, closed) => {
  expect(closedBy(den({ role, ...fields }))).toBe(closed);
});

test('slow mode slows members, and nobody who governs', () => {
  expect(slowness(den({ role: 'member', slow_seconds: 30 }))).toBe(30);
  expect(slowness(den({ role: 'member' }))).toBe(0);
  expect(slowness(den({ role: 'moderator', slow_seconds: 30 }))).toBe(0);
});
