import { effect } from '@preact/signals';
import { expect, test } from 'vitest';
import { settled } from '../doubles/manual_clock';
import { Page } from '../doubles/page';

const carol = { id: 'carol-id', username: 'carol', display_name: 'Carol C.' };
const member = { ...carol, user_id: 'carol-id', role: 'member', joined_at: '' };

function ask(page: Page) {
  return page.session.usernames.of('lobby', 'carol-id');
}

test('who looked before the answer came is told', async () => {
  const page = new Page();
  page.http.on('GET /users/carol-id', { body: carol });
  const told: unknown[] = [];
  effect(() => void told.push(ask(page)?.username));
  await page.clock.advance(1_000);
  expect(told).toEqual([undefined, 'carol']);
});

test('who is mentioned is found among the members, without a question', async () => {
  const page = new Page();
  page.http.on('GET /rooms/lobby/members', { body: { items: [member], next_cursor: null } });
  expect(ask(page)).toBeNull();
  void page.session.members.load('lobby');
  await page.clock.advance(1_000);
  expect(ask(page)).toMatchObject({ username: 'carol' });
  expect(page.http.sent('GET /users/carol-id')).toEqual([]);
});

test('who is no member that is known is asked for once, and who is gone not again', async () => {
  const page = new Page();
  page.http.on('GET /users/carol-id', { body: carol });
  page.http.on('GET /users/gone-id', { status: 404, body: { code: 'not_found' } });
  for (let time = 0; time < 3; time++) {
    ask(page);
    page.session.usernames.of('lobby', 'gone-id');
    await page.clock.advance(1_000);
    await settled();
  }
  expect(ask(page)).toMatchObject({ username: 'carol' });
  expect(page.session.names.of({ user_id: 'carol-id', username: 'carol' })).toBe('Carol C.');
  expect(page.http.sent('GET /users/carol-id')).toHaveLength(1);
  expect(page.http.sent('GET /users/gone-id')).toHaveLength(1);
});

test('who is asked for last is told first, as they are looked at now', async () => {
  const page = new Page();
  const told: string[] = [];
  for (const id of ['one', 'two', 'three'])
    page.http.on(`GET /users/${id}`, () => {
      told.push(id);
      return { body: { id, username: id, display_name: id } };
    });
  for (const id of ['one', 'two', 'three']) page.session.usernames.of('lobby', id);
  await page.clock.advance(1_000);
  expect(told).toEqual(['three', 'two', 'one']);
});
