import { expect, test } from 'vitest';
import { isMuted, mentionsIn, mutedUntil, unreadIn } from '../../src/rooms/level';
import { makeRoom } from '../make';

const NOW = new Date(2026, 0, 31, 22, 15);

test.each([
  ['hour', new Date(2026, 0, 31, 23, 15)],
  ['workday', new Date(2026, 1, 1, 6, 15)],
  ['tomorrow', new Date(2026, 1, 1, 8)],
] as const)('a room that is muted for a while (%s) is told again after it', (choice, end) => {
  const room = makeRoom({ notify: { level: 'all', muted_until: mutedUntil(choice, NOW) } });
  expect(isMuted(room, new Date(end.getTime() - 1))).toBe(true);
  expect(isMuted(room, end)).toBe(false);
});

test('a room that is muted for ever is never told', () => {
  const room = makeRoom({ notify: { level: 'all', muted_until: mutedUntil('ever', NOW) } });
  expect(isMuted(room, new Date(8000, 0))).toBe(true);
});

test('what is unread in muted rooms does not count', () => {
  const room = makeRoom({ unread_count: 3, mention_count: 1 });
  const muted = makeRoom({ ...room, notify: { level: 'none', muted_until: null } });
  expect([unreadIn([room, muted, room], NOW), mentionsIn([room, muted], NOW)]).toEqual([6, 1]);
});
