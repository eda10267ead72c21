/** Changes of messages from the user's hand to the log, over a scripted server. */
import { beforeEach, expect, test } from 'vitest';
import { settled } from '../doubles/manual_clock';
import { Page } from '../doubles/page';
import { AT, makeEvent } from '../make';

let page: Page;

beforeEach(async () => {
  page = new Page();
  await page.goLive();
  page.live(10);
});

const sent = (type: 'edit' | 'delete' | 'react') => page.server.socket.sent(type);
const waiting = () => page.session.outbox.changesIn('lobby').map(({ command }) => command.type);

function entry(seq: number, fields: Record<string, unknown>): object {
  return {
    ...{ room_id: 'lobby', seq, at: AT, user_id: 'alice-id', username: 'alice', ...fields },
  };
}

test('a change is over when its ack and its entry have come, in either order', () => {
  page.session.change('lobby', 9, { type: 'edit', body: 'better' });
  const [command] = sent('edit');
  expect(command).toMatchObject({
    epoch: 'e1',
    seq: 9,
    body: 'better',
    ref: expect.stringMatching(/^ref/),
  });
  page.emit({ type: 'ack', ref: command?.ref, room_id: 'lobby', epoch: 'e1', seq: 11, at: AT });
  expect(waiting()).toEqual(['edit']);
  page.emit(entry(11, { type: 'edit', target: 9, body: 'better' }));
  expect(waiting()).toEqual([]);
  page.session.change('lobby', 9, { type: 'delete' });
  page.emit(entry(12, { type: 'delete', target: 9 }));
  expect(waiting()).toEqual(['delete']);
  const ref = sent('delete')[0]?.ref;
  page.emit({ type: 'ack', ref, room_id: 'lobby', epoch: 'e1', seq: 12, at: AT });
  expect(waiting()).toEqual([]);
});

test('a retry of a change that was stored before is over with its ack', async () => {
  page.session.change('lobby', 9, { type: 'react', emoji: '👍' });
  const ref = sent('react')[0]?.ref;
  page.server.socket.drop();
  await page.clock.advance(1_000);
  page.server.socket.makeReady();
  page.emit(entry(11, { type: 'reaction', target: 9, emoji: '👍', added: true }));
  page.live(11);
  expect(sent('react')).toMatchObject([{ ref, emoji: '👍' }]);
  page.emit({ type: 'ack', ref, room_id: 'lobby', epoch: 'e1', seq: 11, at: AT });
  expect(waiting()).toEqual([]);
});

test('a change whose room starts over under another epoch is dropped, and the user is told', async () => {
  page.server.socket.drop();
  page.session.change('lobby', 9, { type: 'delete' });
  await page.clock.advance(1_000);
  page.server.socket.makeReady();
  page.emit({ type: 'reset', room_id: 'lobby', epoch: 'e2', seq: 4 });
  await settled();
  expect([waiting(), sent('delete')]).toEqual([[], []]);
  expect(page.session.outbox.dropped.value).toMatchObject([
    { command: { type: 'delete', seq: 9 } },
  ]);
});

test('a refused change is undone, and what came since stands', () => {
  page.session.change('lobby', 9, { type: 'edit', body: 'mine' });
  const ref = sent('edit')[0]?.ref;
  page.emit(makeEvent(11));
  page.emit({ type: 'error', ref, code: 'deleted', message: 'gone' });
  expect(waiting()).toEqual([]);
  expect(page.session.outbox.dropped.value).toMatchObject([
    { command: { type: 'edit', body: 'mine' }, error: 'The message was deleted meanwhile.' },
  ]);
});
