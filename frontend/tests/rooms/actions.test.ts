import { messageEntry } from 'tailwire-client/rooms/timeline';
import type { Message, Role, Room } from 'tailwire-client/wire/protocol';
import { expect, test } from 'vitest';
import { abilitiesIn, actionsFor } from '../../src/rooms/actions';
import { ME, makeMessage, makeRoom } from '../make';

const ALL = new Set(['edit', 'delete', 'react', 'pin', 'threads', 'reports']);

function offered(
  role: Role,
  fields: Partial<Message> = {},
  authorRole: Role | null | undefined = 'member',
  features: ReadonlySet<string> = ALL,
  settings: Partial<Room> = {},
): string {
  const room = makeRoom({ role, ...settings });
  const entry = messageEntry(makeMessage(5, fields));
  const abilities = abilitiesIn(room, features);
  return actionsFor({ entry, room, abilities, me: ME, authorRole }).join(' ');
}

const OWN = { user_id: ME };

test.each<[Role, Role | null | undefined, boolean]>([
  ['owner', 'owner', true],
  ['owner', 'member', true],
  ['owner', null, true],
  ['moderator', 'owner', false],
  ['moderator', 'moderator', false],
  ['moderator', 'member', true],
  ['moderator', 'reader', true],
  ['moderator', null, true],
  ['moderator', undefined, true],
  ['member', 'reader', false],
  ['member', null, false],
  ['member', undefined, false],
  ['reader', null, false],
])('for %s the deletion of a message by %s is offered: %s', (mine, theirs, isOffered) => {
  expect(offered(mine, {}, theirs).includes('delete')).toBe(isOffered);
});

test('what one wrote oneself can be edited by who may write, and deleted by everybody', () => {
  expect(offered('member', OWN)).toBe(
    'react reply thread edit unread copy link forward person delete',
  );
  expect(offered('reader', OWN)).toBe('unread copy link forward person delete');
  expect(offered('member')).toBe('react reply thread unread copy link forward person report');
});

test('who governs a room pins and unpins', () => {
  expect(offered('moderator')).toContain('pin');
  expect(offered('owner', { pinned: true })).toContain('unpin');
  expect(offered('member', { pinned: true })).not.toContain('pin');
});

test('previews of links are hidden by who may delete the message', () => {
  const preview = {
    url: 'https://a.example',
    title: 'A',
    description: '',
    site_name: '',
    picture: null,
  };
  const previews = [preview];
  expect(offered('member', { ...OWN, previews })).toContain('previews');
  expect(offered('moderator', { previews })).toContain('previews');
  expect(offered('member', { previews })).not.toContain('previews');
  expect(offered('member', OWN)).not.toContain('previews');
});

test('a deleted message has nothing but its place', () => {
  expect(offered('owner', { ...OWN, deleted: true })).toBe('link');
});

test('a thread is opened by who may reply, and by everybody where there are replies', () => {
  const root = { reply_count: 1 };
  expect(offered('reader')).not.toContain('thread');
  expect(offered('reader', root)).toContain('thread');
  expect(offered('reader', { thread: 3 })).toContain('thread');
  expect(offered('member', { ...root, deleted: true })).toBe('thread link');
  expect(offered('owner', root, 'owner', new Set())).not.toContain('thread');
});

test('what the server does not name in its features is not offered', () => {
  expect(offered('owner', OWN, 'owner', new Set())).toBe('reply unread copy link forward person');
  expect(offered('owner', OWN, 'owner', new Set(['edit']))).toBe(
    'reply edit unread copy link forward person',
  );
});

test('what happened to a message can be looked at', () => {
  const reactions = [{ emoji: '👍', user_ids: ['bob-id'] }];
  const changed = { edited_at: '2026-01-05T12:00:00.000Z', reactions };
  expect(offered('reader', changed)).toBe('unread copy link forward edits reactors person report');
});

test('in an archived room nothing is written, and where only moderators write the others react', () => {
  expect(offered('owner', OWN, 'owner', ALL, { archived: true })).toBe(
    'unread copy link forward person delete',
  );
  expect(offered('member', {}, 'member', ALL, { post_role: 'moderator' })).toBe(
    'react unread copy link forward person report',
  );
  expect(offered('moderator', {}, 'member', ALL, { post_role: 'moderator' })).toContain('reply');
});
