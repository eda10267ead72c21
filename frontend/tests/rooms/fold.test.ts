/**
 * The server folds a room's log into messages, and the page applies the same log entry by entry: both
 * must show the same. TAILWIRE_FOLD_CASES names a file of cases that the server's side made; without it
 * only the cases below are tried.
 */
import { readFileSync } from 'node:fs';
import { env } from 'node:process';
import {
  apply,
  doubtful,
  expectHistory,
  type MessageEntry,
  prepend,
  recounted,
  startTimeline,
  type Timeline,
} from 'tailwire-client/rooms/timeline';
import { type EntryEvent, isEntry, type Message, parseEvent } from 'tailwire-client/wire/protocol';
import { describe, expect, test } from 'vitest';
import { AT, makeMessage } from '../make';

interface FoldCase {
  /** Every entry of the log from seq 1, as an event. */
  log: Record<string, unknown>[];
  /** The messages of the whole log, folded, as GET /rooms/{room_id}/messages gives them. */
  messages: Message[];
}

const EPOCH = 'e1';

function entriesOf(log: FoldCase['log']): EntryEvent[] {
  return log.map((fields) => {
    const event = parseEvent(JSON.stringify(fields));
    if (!event || !isEntry(event)) throw new Error(`no entry: ${JSON.stringify(fields)}`);
    return event;
  });
}

/** Without the refs of deleted messages, which the page keeps where it saw them and the server does not tell. */
function messagesOf({ entries }: Timeline): MessageEntry[] {
  return entries
    .filter((entry) => entry.kind === 'message')
    .map((entry) => (entry.deleted ? { ...entry, ref: null } : entry));
}

/** A page of history brings all messages, asked for when the log ended at `seq`. */
function load(timeline: Timeline, items: Message[]): Timeline {
  return prepend(timeline, { items, epoch: EPOCH, has_more: false });
}

function follow(entries: readonly EntryEvent[], seq: number): Timeline {
  return entries.slice(seq).reduce(apply, expectHistory(startTimeline({ epoch: EPOCH, seq })));
}

function check({ log, messages }: FoldCase): void {
  const entries = entriesOf(log);
  const folded = messagesOf(load(follow(entries, log.length), messages));
  expect(messagesOf(follow(entries, 0)).map(named)).toEqual(folded.map(named));
  // The page may begin to follow at any seq, and be given the folded messages last.
  for (let seq = 1; seq < log.length; seq++) {
    const followed = load(follow(entries, seq), messages);
    expect(followed.seq).toBe(log.length);
    const doubts = doubtful(followed, entries.slice(seq));
    const isSure = (message: MessageEntry) => !doubts.includes(message.seq);
    expect(unordered(messagesOf(followed).filter(isSure))).toEqual(
      unordered(folded.filter(isSure)),
    );
    // The page asks again for those it is not sure of, and the answer is what the server folded.
    const again = messages.filter((message) => doubts.includes(message.seq));
    expect(unordered(messagesOf(again.reduce(recounted, followed)))).toEqual(unordered(folded));
  }
}

/** History names the first 20 who reacted. */
function named({ reactions, ...message }: MessageEntry): unknown {
  return {
    ...message,
    reactions: reactions.map((one) => ({ ...one, user_ids: one.user_ids.slice(0, 20) })),
  };
}

/**
 * Without the order of reactions. A page of history does not tell up to which seq it was folded, so
 * changes that came while it was on its way are applied to it again, and may put a user last anew.
 */
function unordered(messages: MessageEntry[]): unknown[] {
  return messages.map(({ reactions, ...message }) => ({
    ...message,
    reactions: reactions
      .map(({ emoji, count, user_ids }) => `${emoji} ${count} ${[...user_ids].sort().slice(0, 20)}`)
      .sort(),
  }));
}

function entry(
  seq: number,
  type: string,
  fields: Record<string, unknown>,
): Record<string, unknown> {
  return { type, room_id: 'lobby', seq, at: AT, user_id: 'bob-id', username: 'bob', ...fields };
}

const react = (seq: number, emoji: string, user_id: string, added: boolean) =>
  entry(seq, 'reaction', { target: 1, emoji, user_id, added });
const pin = (seq: number, target: number, pinned: boolean) => entry(seq, 'pin', { target, pinned });
const said = (seq: number) => entry(seq, 'message', { ref: null, body: `message ${seq}` });
const plain = {
  ...{ edited_at: null, deleted: false, pinned: false, reactions: [] },
  ...{ thread: null, reply_count: 0, last_reply_at: null },
};

const CASES: Record<string, FoldCase> = {
  'an edit, and a kind that nobody knows': {
    log: [
      said(1),
      entry(2, 'poll', { target: 1 }),
      entry(3, 'edit', { target: 1, body: 'better' }),
    ],
    messages: [makeMessage(1, { ...plain, body: 'better', edited_at: AT })],
  },
  'an edit of whom a message mentions, and one that mentions nobody any more': {
    log: [
      entry(1, 'message', { ref: null, body: '@ann', mentions: ['ann-id'] }),
      entry(2, 'message', { ref: null, body: '@room', mentions_all: true }),
      entry(3, 'edit', { target: 1, body: '@cleo', mentions: ['cleo-id'] }),
      entry(4, 'edit', { target: 2, body: 'nobody' }),
    ],
    messages: [
      makeMessage(1, { ...plain, body: '@cleo', edited_at: AT, mentions: ['cleo-id'] }),
      makeMessage(2, { ...plain, body: 'nobody', edited_at: AT }),
    ],
  },
  'a message that was edited, then deleted': {
    log: [
      said(1),
      entry(2, 'edit', { target: 1, body: 'better', mentions: ['ann-id'], mentions_all: true }),
      entry(3, 'delete', { target: 1 }),
      entry(4, 'edit', { target: 1, body: 'back' }),
    ],
    messages: [makeMessage(1, { ...plain, body: '', deleted: true })],
  },
  'a message that is pinned, unpinned and pinned, and one that is deleted while it is pinned': {
    log: [
      said(1),
      said(2),
      pin(3, 1, true),
      pin(4, 1, false),
      pin(5, 1, true),
      pin(6, 2, true),
      entry(7, 'delete', { target: 2 }),
      pin(8, 2, true),
    ],
    messages: [
      makeMessage(1, { ...plain, pinned: true }),
      makeMessage(2, { ...plain, body: '', deleted: true }),
    ],
  },
  'more who react than history names, of whom one takes it back and one does it twice': {
    log: [
      said(1),
      ...Array.from({ length: 24 }, (_, index) => react(index + 2, '👍', `user-${index}`, true)),
      react(26, '👍', 'user-3', false),
      react(27, '👍', 'user-22', true),
    ],
    messages: [
      makeMessage(1, {
        ...plain,
        reactions: [
          {
            emoji: '👍',
            count: 23,
            user_ids: Array.from({ length: 21 }, (_, index) => `user-${index}`).filter(
              (id) => id !== 'user-3',
            ),
          },
        ],
      }),
    ],
  },
  'a reaction that is given twice keeps its place': {
    log: [said(1), react(2, '👍', 'b', true), react(3, '👍', 'c', true), react(4, '👍', 'b', true)],
    messages: [makeMessage(1, { ...plain, reactions: [{ emoji: '👍', user_ids: ['b', 'c'] }] })],
  },
  'replies, of which the last is deleted, and a root that is deleted': {
    log: [
      said(1),
      entry(2, 'message', { ref: null, body: 'message 2', reply_to: 1, thread: 1 }),
      entry(3, 'message', { ref: null, body: 'message 3', reply_to: 2, thread: 1 }),
      entry(4, 'delete', { target: 3, thread: 1 }),
      entry(5, 'delete', { target: 1 }),
    ],
    messages: [
      makeMessage(1, { ...plain, body: '', deleted: true, reply_count: 1, last_reply_at: AT }),
      makeMessage(2, { ...plain, reply_to: 1, thread: 1 }),
      makeMessage(3, { ...plain, reply_to: 2, thread: 1, body: '', deleted: true }),
    ],
  },
  'an emoji that nobody is left of comes last when it comes again': {
    log: [
      said(1),
      react(2, '👍', 'b', true),
      react(3, '🎉', 'c', true),
      react(4, '👍', 'b', false),
      react(5, '👍', 'b', true),
    ],
    messages: [
      makeMessage(1, {
        ...plain,
        reactions: [
          { emoji: '🎉', user_ids: ['c'] },
          { emoji: '👍', user_ids: ['b'] },
        ],
      }),
    ],
  },
};

test.each(Object.entries(CASES))('%s', (_, fold) => check(fold));

describe.skipIf(!env.TAILWIRE_FOLD_CASES)('what the server folded', () => {
  const path = env.TAILWIRE_FOLD_CASES;
  const cases = path ? (JSON.parse(readFileSync(path, 'utf8')) as FoldCase[]) : [];

  test('is what the page shows after the same log', () => {
    expect(cases.length).toBeGreaterThan(0);
    cases.forEach((fold, index) => {
      try {
        check(fold);
      } catch (error) {
        throw new Error(`case ${index}: ${JSON.stringify(fold)}`, { cause: error });
      }
    });
  });
});
