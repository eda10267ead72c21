/** Reactions of more users than history names: the page asks again where it cannot count by itself. */

import { findEntry } from 'tailwire-client/rooms/timeline';
import { beforeEach, expect, test } from 'vitest';
import { settled } from '../doubles/manual_clock';
import { Page } from '../doubles/page';
import { AT, makeMessage } from '../make';

const NAMED = Array.from({ length: 20 }, (_, index) => `user-${index}`);
const ASK = 'GET /rooms/lobby/messages/9';

let page: Page;

const message = (count: number) =>
  makeMessage(9, { reactions: [{ emoji: '👍', count, user_ids: NAMED }] });

beforeEach(async () => {
  page = new Page();
  page.http.on('GET /rooms/lobby/messages', {
    body: { items: [message(30)], epoch: 'e1', has_more: false },
  });
  await page.goLive();
  page.live(10);
});

function react(seq: number, user_id: string, added = true): void {
  page.emit({
    ...{ type: 'reaction', room_id: 'lobby', seq, at: AT, user_id, username: user_id },
    ...{ target: 9, emoji: '👍', added },
  });
}

function count(): number | undefined {
  const timeline = page.session.timelines.get('lobby')?.peek();
  const entry = timeline && findEntry(timeline, 9);
  return entry?.kind === 'message' ? entry.reactions[0]?.count : undefined;
}

test('one who is named changes the number without a question', async () => {
  react(11, 'user-3', false);
  react(12, 'user-4');
  expect(count()).toBe(29);
});

test('of another user it is not known whether they are counted, so the server is asked', async () => {
  page.http.on(ASK, { body: message(30) });
  react(11, 'somebody');
  react(12, 'somebody else');
  expect(count()).toBe(32);
  await page.clock.advance(10_000);
  expect(page.http.sent(ASK)).toHaveLength(1);
  expect(count()).toBe(30);
});

test('an answer does not count where more came while it was on its way', async () => {
  const release = page.hold(ASK, () => ({ body: message(31) }));
  react(11, 'somebody');
  await page.clock.advance(10_000);
  react(12, 'somebody else');
  release();
  await settled();
  expect(count()).toBe(32);
  page.http.on(ASK, { body: message(32) });
  await page.clock.advance(20_000);
  expect([count(), page.http.sent(ASK).length]).toEqual([32, 2]);
});

test('the end of the session ends the questions', async () => {
  react(11, 'somebody');
  page.session.stop();
  expect(page.clock.armed).toBe(0);
});
