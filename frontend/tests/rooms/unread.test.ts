/**
 * The server counts the unread messages of a room's log, and the page counts them in its timeline: both
 * must say the same. TAILWIRE_UNREAD_CASES names a file of cases that the server's side made; without it
 * only the cases below are tried.
 */
import { readFileSync } from 'node:fs';
import { env } from 'node:process';
import { apply, expectHistory, prepend, startTimeline } from 'tailwire-client/rooms/timeline';
import { type EntryEvent, isEntry, type Message, parseEvent } from 'tailwire-client/wire/protocol';
import { describe, expect, test } from 'vitest';
import { countUnread } from '../../src/rooms/unread';
import { AT } from '../make';

interface UnreadCase {
  /** Every entry of the log from seq 1, as an event. */
  log: Record<string, unknown>[];
  me: string;
  read_seq: number;
  unread_count: number;
  first_unread_seq: number | null;
}

const EPOCH = 'e1';

function entriesOf(log: UnreadCase['log']): EntryEvent[] {
  return log.map((fields) => {
    const event = parseEvent(JSON.stringify(fields));
    if (!event || !isEntry(event)) throw new Error(`no entry: ${JSON.stringify(fields)}`);
    return event;
  });
}

function check({ log, me, read_seq, unread_count }: UnreadCase): void {
  const entries = entriesOf(log);
  const whole = entries.reduce(apply, startTimeline({ epoch: EPOCH, seq: 0 }));
  expect(countUnread(whole, read_seq, me)).toBe(unread_count);
  // The page may begin at any seq, and load all that came before from history.
  for (let seq = 1; seq <= log.length; seq++) {
    const before = entries.slice(0, seq).reduce(apply, startTimeline({ epoch: EPOCH, seq: 0 }));
    const items = before.entries.flatMap(({ kind, ...message }) =>
      kind === 'message' ? [{ room_id: 'lobby', ...message } as Message] : [],
    );
    const begun = expectHistory(startTimeline({ epoch: EPOCH, seq }));
    const followed = entries.slice(seq).reduce(apply, begun);
    const loaded = prepend(followed, { items, epoch: EPOCH, has_more: false });
    expect(countUnread(loaded, read_seq, me)).toBe(unread_count);
  }
}

function entry(
  seq: number,
  type: string,
  fields: Record<string, unknown> = {},
): Record<string, unknown> {
  return { type, room_id: 'lobby', seq, at: AT, user_id: 'bob', username: 'bob', ...fields };
}

const said = (seq: number, user_id: string) =>
  entry(seq, 'message', { ref: null, body: `message ${seq}`, user_id });

const CASES: Record<string, UnreadCase> = {
  "one's own messages, and deleted ones": {
    log: [said(1, 'bob'), said(2, 'me'), said(3, 'bob'), entry(4, 'delete', { target: 1 })],
    me: 'me',
    read_seq: 0,
    unread_count: 1,
    first_unread_seq: 3,
  },
  'what is no message': {
    log: [entry(1, 'member', { role: 'member', by: 'bob' }), entry(2, 'poll'), said(3, 'bob')],
    me: 'me',
    read_seq: 1,
    unread_count: 1,
    first_unread_seq: 3,
  },
  'more than a badge shows': {
    log: Array.from({ length: 1_001 }, (_, index) => said(index + 1, 'bob')),
    me: 'me',
    read_seq: 1,
    unread_count: 999,
    first_unread_seq: 2,
  },
};

test.each(Object.entries(CASES))('%s', (_, unread) => {
  if (unread.log.length < 100) check(unread);
  else {
    const whole = entriesOf(unread.log).reduce(apply, startTimeline({ epoch: EPOCH, seq: 0 }));
    expect(countUnread(whole, unread.read_seq, unread.me)).toBe(unread.unread_count);
  }
});

describe.skipIf(!env.TAILWIRE_UNREAD_CASES)('what the server counted', () => {
  const path = env.TAILWIRE_UNREAD_CASES;
  const cases = path ? (JSON.parse(readFileSync(path, 'utf8')) as UnreadCase[]) : [];

  test('is what the page counts in the same log', () => {
    expect(cases.length).toBeGreaterThan(0);
    cases.forEach((unread, index) => {
      try {
        check(unread);
      } catch (error) {
        throw new Error(`case ${index}: ${JSON.stringify(unread)}`, { cause: error });
      }
    });
  });
});
