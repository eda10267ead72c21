import { render } from 'preact';
import { act } from 'preact/test-utils';
import { type AllSettings, settingsOf } from 'tailwire-client/rooms/settings';
import { expect, test } from 'vitest';
import { RoomNotice } from '../../src/views/timeline/RoomNotice';
import { makeRoom } from '../make';
import { root } from './stage';

const before = settingsOf(makeRoom({ name: 'Den', topic: 'Tea' }));

function said(change: Partial<AllSettings>, known: AllSettings | null = before): string {
  act(() => render(<RoomNotice now={{ ...before, ...change }} before={known} />, root));
  return root.textContent ?? '';
}

test.each<[Partial<AllSettings>, string]>([
  [{ name: 'Cave' }, 'renamed the room to “Cave”'],
  [{ topic: 'Coffee' }, 'changed the topic to “Coffee”'],
  [{ topic: '' }, 'removed the topic'],
  [{ visibility: 'private' }, 'made the room private'],
  [{ archived: true }, 'archived the room'],
  [{ post_role: 'moderator' }, 'lets only moderators write'],
  [{ slow_seconds: 30 }, 'set slow mode to 30 seconds between two messages'],
  [{}, 'changed the room'],
])('of %j it is said: %s', (change, text) => {
  expect(said(change)).toBe(text);
});

test('several changes are one sentence', () => {
  expect(said({ name: 'Cave', topic: '', archived: true })).toBe(
    'renamed the room to “Cave”, removed the topic and archived the room',
  );
});

test('where it is not known how the room was before, it is said how it is', () => {
  expect(said({ name: 'Cave' }, null)).toBe('changed the room: “Cave”, “Tea”');
});
