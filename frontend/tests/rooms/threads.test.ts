/** A thread beside its room: what is loaded, what comes live, after a resume and after a reset. */

import { findEntry, messageEntry, type Timeline } from 'tailwire-client/rooms/timeline';
import type { Message } from 'tailwire-client/wire/protocol';
import { beforeEach, expect, test, vi } from 'vitest';
import { answerable } from '../../src/rooms/thread_timeline';
import { settled } from '../doubles/manual_clock';
import { Page } from '../doubles/page';
import { makeEvent, makeMessage, makePage, makeTimeline } from '../make';

const ROOT = 'GET /rooms/lobby/messages/8';
const REPLIES = `${ROOT}/thread`;

let page: Page;

const reply = (seq: number, fields: Partial<Message> = {}) =>
  makeMessage(seq, { reply_to: 8, thread: 8, ...fields });
const at = (second: number) => new Date(Date.UTC(2026, 0, 5, 10, 0, second)).toISOString();
const replies = (...items: Message[]) => ({ items, epoch: 'e1', has_more: false });

beforeEach(async () => {
  page = new Page();
  page.http
    .on('GET /rooms/lobby/messages', {
      body: replies(makeMessage(8, { reply_count: 2 }), reply(9), reply(10)),
    })
    .on(ROOT, { body: makeMessage(8, { reply_count: 2 }) })
    .on(REPLIES, { body: replies(reply(9), reply(10)) });
  await page.goLive();
  page.live(10);
});

async function open(): Promise<void> {
  page.session.threads.load();
  await vi.waitUntil(() => page.session.threads.loaded);
  page.session.threads.loaded?.show('lobby', 8);
  await settled();
}

function thread(): Timeline | undefined {
  return page.session.threads.loaded?.open.peek()?.timeline.peek();
}

const seqs = () => thread()?.entries.map(({ seq }) => seq);

function counts(timeline: Timeline | undefined, seq = 8): unknown {
  const entry = timeline && findEntry(timeline, seq);
  return entry?.kind === 'message' ? [entry.reply_count, entry.last_reply_at] : undefined;
}

const room = () => page.session.timelines.get('lobby')?.peek();

function hear(seq: number, fields: Record<string, unknown>): void {
  page.emit(makeEvent(seq, { at: at(seq), ...fields }));
}

test('a thread is its root and the replies below it, live', async () => {
  await open();
  expect(seqs()).toEqual([8, 9, 10]);
  hear(11, { reply_to: 9, thread: 8 });
  hear(12, {});
  hear(13, { type: 'edit', target: 10, body: 'better' });
  hear(14, { reply_to: 12, thread: 12 });
  expect(seqs()).toEqual([8, 9, 10, 11]);
  expect(thread()?.seq).toBe(14);
  const edited = thread()?.entries[2];
  expect(edited?.kind === 'message' && edited.body).toBe('better');
});

test('the root counts its replies, in the room and in the thread', async () => {
  await open();
  hear(11, { reply_to: 9, thread: 8 });
  for (const timeline of [room(), thread()]) expect(counts(timeline)).toEqual([3, at(11)]);
  hear(12, { reply_to: 8, thread: 8 });
  hear(13, { type: 'delete', target: 12, thread: 8 });
  for (const timeline of [room(), thread()]) expect(counts(timeline)).toEqual([3, at(11)]);
});

test('a page that was ahead of the events counts no reply twice', async () => {
  page.http.on('GET /rooms/lobby/messages', {
    body: replies(makeMessage(3, { reply_count: 1, last_reply_at: at(11) })),
  });
  page.session.timelines.reset('lobby', { epoch: 'e1', seq: 10 });
  await page.session.history.older('lobby');
  hear(11, { reply_to: 3, thread: 3 });
  expect(counts(room(), 3)).toEqual([1, at(11)]);
});

test('where the newest messages are not loaded, the server is asked for the number of replies', async () => {
  page.http.on(ROOT, { body: makeMessage(8, { reply_count: 7, last_reply_at: at(11) }) });
  page.http.on('GET /rooms/lobby/messages', ({ query }) => ({
    body: query.has('after') ? makePage([8, 9], { has_more: true }) : makePage([7]),
  }));
  await page.session.history.around('lobby', 8);
  expect(room()?.loaded_to).toBe(9);
  hear(11, { reply_to: 8, thread: 8 });
  await page.clock.advance(10_000);
  expect(counts(room())).toEqual([7, at(11)]);
});

test('replies are loaded from the oldest on, page by page', async () => {
  page.http.on(REPLIES, ({ query }) => ({
    body:
      query.get('after') === '8' ? { ...replies(reply(9)), has_more: true } : replies(reply(10)),
  }));
  await open();
  expect(seqs()).toEqual([8, 9]);
  await page.session.threads.loaded?.open.peek()?.newer();
  expect(seqs()).toEqual([8, 9, 10]);
  expect(page.http.sent(REPLIES).map(({ query }) => query.get('after'))).toEqual(['8', '9']);
  expect(page.http.sent(ROOT)).toHaveLength(1);
});

test('what comes while the replies are on their way is in the thread once', async () => {
  const release = page.hold(REPLIES, () => ({
    body: replies(reply(9), reply(10), reply(11, { at: at(11) })),
  }));
  page.session.threads.load();
  await vi.waitUntil(() => page.session.threads.loaded);
  page.session.threads.loaded?.show('lobby', 8);
  await settled();
  hear(11, { reply_to: 8, thread: 8 });
  hear(12, { type: 'delete', target: 9, thread: 8 });
  release();
  await settled();
  expect(seqs()).toEqual([8, 9, 10, 11]);
  expect(thread()?.entries.map((entry) => entry.kind === 'message' && entry.deleted)).toEqual([
    false,
    true,
    false,
    false,
  ]);
  expect(counts(thread())).toEqual([2, at(11)]);
});

test('after a resume the thread has what came meanwhile', async () => {
  await open();
  await page.reconnect();
  hear(11, { reply_to: 8, thread: 8 });
  page.live(11);
  expect(seqs()).toEqual([8, 9, 10, 11]);
});

test('after a reset in the same epoch it is loaded again', async () => {
  await open();
  page.http.on(REPLIES, { body: replies(reply(9), reply(10), reply(30)) });
  page.emit({ type: 'reset', room_id: 'lobby', epoch: 'e1', seq: 40 });
  await settled();
  expect(seqs()).toEqual([8, 9, 10, 30]);
  expect(thread()?.seq).toBe(40);
});

test('in another epoch its root may be another message, so it is closed', async () => {
  await open();
  page.emit({ type: 'reset', room_id: 'lobby', epoch: 'e2', seq: 9 });
  expect(page.session.threads.loaded?.open.peek()).toBeNull();
});

test('a thread that cannot be loaded says so, and is tried again', async () => {
  page.http.on(REPLIES, { status: 503 });
  await open();
  const opened = page.session.threads.loaded?.open.peek();
  expect(opened?.failed()).toBe('newer');
  page.http.on(REPLIES, { body: replies(reply(9)) });
  await opened?.again();
  expect(seqs()).toEqual([8, 9]);
});

test('a reply answers the root, or the newest reply where that is deleted', () => {
  const timeline = (...messages: Message[]): Timeline => ({
    ...makeTimeline(20),
    entries: messages.map(messageEntry),
  });
  const gone = { deleted: true };
  expect(answerable(timeline(makeMessage(8), reply(9)))).toBe(8);
  expect(answerable(timeline(makeMessage(8, gone), reply(9), reply(10), reply(11, gone)))).toBe(10);
  expect(answerable(timeline(makeMessage(8, gone), reply(9, gone)))).toBeNull();
  expect(answerable(makeTimeline(0))).toBeNull();
});
