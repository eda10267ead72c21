import type { AuditEvent } from 'tailwire-client/wire/api/admin';
import { expect, test } from 'vitest';
import { EVENTS, eventName, sayingOf } from '../../src/admin/audit_words';
import { AT } from '../make';

const event = (kind: string, actor: string | null, subject: string | null): AuditEvent => ({
  ...{ at: AT, event: kind, address: null, room_id: null },
  ...{ actor_id: actor && `id-${actor}`, actor_username: actor === 'gone' ? null : actor },
  ...{
    subject_id: subject && `id-${subject}`,
    subject_username: subject === 'gone' ? null : subject,
  },
});

test.each([
  [event('disabled', 'boss', 'bob'), '@boss disabled @bob'],
  [event('promoted', null, 'bob'), 'The command line made an administrator of @bob'],
  [event('logged_in', 'bob', 'bob'), '@bob logged in'],
  [event('login_failed', null, 'bob'), '@bob did not get in: the password was wrong'],
  [event('login_failed', null, null), 'Somebody unknown did not get in: the password was wrong'],
  [event('session_ended', 'bob', 'bob'), '@bob ended sessions of their own'],
  [event('erased', 'boss', 'gone'), '@boss deleted the account of a deleted account'],
  [event('invited', 'boss', null), '@boss made an invitation'],
  [event('invite_used', 'bob', 'boss'), '@bob came into a room by an invitation of @boss'],
  [event('token_made', 'boss', 'boss'), '@boss made a token of their own'],
  [event('room_deleted', 'boss', null), '@boss deleted a room'],
  [event('banned', 'boss', 'bob'), '@boss banned @bob from a room'],
  [event('owner_named', 'boss', 'boss'), '@boss made themselves an owner of a room'],
  [event('moon_landed', 'boss', null), '@boss moon landed'],
])('%o reads as %s', (told, text) => {
  const { who, does, whom, rest } = sayingOf(told);
  expect([who, does, whom, rest].filter(Boolean).join(' ')).toBe(text);
});

test('every kind has a name, also one that only a newer server knows', () => {
  expect(new Set(EVENTS.map(eventName)).size).toBe(EVENTS.length);
  expect(eventName('moon_landed')).toBe('moon landed');
});
