import { expect, test } from 'vitest';
import { beginning } from '../../src/rooms/deletion';
import { Moderation } from '../../src/rooms/moderation';
import { Page } from '../doubles/page';

const PATH = 'DELETE /rooms/lobby/members/bob-id/messages';
const NOW = new Date('2026-01-05T12:00:00.000Z');

test('a span ends now, and all has no beginning', () => {
  expect(beginning('hour', NOW)).toBe('2026-01-05T11:00:00.000Z');
  expect(beginning('week', NOW)).toBe('2025-12-29T12:00:00.000Z');
  expect(beginning('all', NOW)).toBe(null);
});

test('the messages are deleted in steps until there are no more', async () => {
  const page = new Page();
  const deletion = new Moderation(page.session.requests).deletion();
  const steps = [1_000, 1_000, 3];
  page.http.on(PATH, () => ({ body: { deleted: steps.shift(), has_more: steps.length > 0 } }));
  await deletion.run('lobby', 'bob-id', NOW.toISOString());
  expect(deletion.count.value).toBe(2_003);
  expect(page.http.sent(PATH).map(({ query }) => query.get('since'))).toEqual(
    Array(3).fill(NOW.toISOString()),
  );
});

test('a step that deletes nothing is the last one', async () => {
  const page = new Page();
  const deletion = new Moderation(page.session.requests).deletion();
  page.http.on(PATH, { body: { deleted: 0, has_more: true } });
  await deletion.run('lobby', 'bob-id', null);
  expect(page.http.sent(PATH).map(({ query }) => query.has('since'))).toEqual([false]);
});

test('what was deleted before a failure is counted', async () => {
  const page = new Page();
  const deletion = new Moderation(page.session.requests).deletion();
  let isFirst = true;
  page.http.on(PATH, () => {
    const body = { deleted: 1_000, has_more: true };
    const answer = isFirst ? { body } : { status: 503, body: { code: 'unavailable' } };
    isFirst = false;
    return answer;
  });
  await expect(deletion.run('lobby', 'bob-id', null)).rejects.toMatchObject({
    code: 'unavailable',
  });
  expect(deletion.count.value).toBe(1_000);
});
