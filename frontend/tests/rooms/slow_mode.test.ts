import { beforeEach, expect, test } from 'vitest';
import { Page } from '../doubles/page';
import { ME, makeEvent, makeRoom } from '../make';

let page: Page;

beforeEach(async () => {
  page = new Page();
  page.serve(makeRoom({ slow_seconds: 30 }));
  await page.goLive();
});

const left = () => page.session.slowMode.left('lobby');

test('whoever has written waits, also for what was written on another device', async () => {
  page.live(10);
  page.emit(makeEvent(11));
  expect(left()).toBe(0);
  page.emit(makeEvent(12, { user_id: ME }));
  expect(left()).toBe(30_000);
  await page.clock.advance(29_000);
  expect(left()).toBe(1_000);
  await page.clock.advance(1_000);
  expect(left()).toBe(0);
});

test('what was missed is older than the moment in which it comes', () => {
  page.emit(makeEvent(11, { user_id: ME }));
  page.live(11);
  expect(left()).toBe(0);
});

test('a moderator does not wait', () => {
  page.live(10);
  page.session.rooms.change('lobby', { role: 'moderator' });
  page.emit(makeEvent(11, { user_id: ME }));
  expect(left()).toBe(0);
});

test('what is refused for being too soon leaves by itself, and the wait is the one that the server names', async () => {
  page.live(10);
  page.session.say('lobby', 'hello');
  const [first] = page.server.socket.sent('send');
  page.emit({
    type: 'error',
    ref: first?.ref,
    code: 'slow_mode',
    message: '',
    retry_after_seconds: 3,
  });
  expect(left()).toBe(3_000);
  page.session.change('lobby', 8, { type: 'pin' });
  const [pin] = page.server.socket.sent('pin');
  page.emit({ type: 'ack', ref: pin?.ref, room_id: 'lobby', epoch: 'e1', seq: 11 });
  await page.clock.advance(3_000);
  expect(page.server.socket.sent('send')).toHaveLength(2);
});
