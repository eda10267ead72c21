import { signal } from '@preact/signals';
import { Outbox } from 'tailwire-client/rooms/outbox';
import type { Pending } from 'tailwire-client/rooms/pending';
import type { EntryCommand } from 'tailwire-client/wire/commands';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeOutboxStore } from '../doubles/fake_outbox_store';
import { ManualClock, settled } from '../doubles/manual_clock';

let clock: ManualClock;
let store: FakeOutboxStore;
let stored: Set<string>;
let sent: EntryCommand[];
let isLive: boolean;
let silences: number;
let waits: [string, number][];
let outbox: Outbox;

let refCount: number;
let epoch: string;
let takesEpoch: boolean;

const at = (seq: number) => ({ epoch, seq });

function makeOutbox(): Outbox {
  return new Outbox({
    user_id: 'alice-id',
    epochOf: () => epoch,
    store,
    clock,
    cell: signal,
    makeRef: () => `ref-${++refCount}`,
    transmit: (command) => {
      if (isLive) sent.push(command);
      return isLive;
    },
    takesEpoch: () => takesEpoch,
    isStored: ({ command }) => stored.has(command.ref),
    onSilence: () => silences++,
    onSlow: (room_id, seconds) => waits.push([room_id, seconds]),
  });
}

async function reload(): Promise<void> {
  outbox.stop();
  sent = [];
  outbox = makeOutbox();
  outbox.start();
  await settled();
}

function makePending(ref: string, fields: Partial<Pending> = {}): Pending {
  const at = new Date(clock.now()).toISOString();
  const pending: Pending = {
    command: { type: 'send', ref, room_id: 'lobby', body: ref },
    at,
    state: 'waiting',
    seq: null,
    error: null,
    attempts: 0,
  };
  return { ...pending, ...fields };
}

beforeEach(async () => {
  clock = new ManualClock();
  store = new FakeOutboxStore();
  stored = new Set();
  refCount = 0;
  epoch = 'e1';
  takesEpoch = true;
  sent = [];
  isLive = true;
  silences = 0;
  waits = [];
  outbox = makeOutbox();
  outbox.start();
  await settled();
});

const say = (room_id: string, body: string) => outbox.add({ type: 'send', room_id, body }).command;
const states = () => outbox.items.value.map(({ state }) => state);
const bodyOf = (command: EntryCommand) => ('body' in command ? command.body : null);
const refs = () => sent.map(({ ref }) => ref);

test('a message is shown before it is acked, and gone after its echo', () => {
  const { ref } = say('lobby', 'hello');
  expect(states()).toEqual(['sent']);
  outbox.acked(ref, at(11));
  expect(states()).toEqual(['stored']);
  outbox.settle(ref);
  expect(outbox.items.value).toEqual([]);
});

test('an echo that overtakes its ack settles the message, and the ack changes nothing', () => {
  const { ref } = say('lobby', 'hello');
  outbox.settle(ref);
  outbox.acked(ref, at(11));
  expect(outbox.items.value).toEqual([]);
});

test('messages of one room leave one after the other, in order', () => {
  say('lobby', 'one');
  say('lobby', 'two');
  say('other', 'elsewhere');
  expect(sent.map(bodyOf)).toEqual(['one', 'elsewhere']);
  outbox.acked('ref-1', at(11));
  expect(sent.map(bodyOf)).toEqual(['one', 'elsewhere', 'two']);
});

test('what was unacked when the connection broke is sent again with the same refs', () => {
  say('lobby', 'one');
  say('lobby', 'two');
  isLive = false;
  outbox.lost();
  outbox.flush('lobby');
  expect(refs()).toEqual(['ref-1']);
  isLive = true;
  outbox.flush('lobby');
  outbox.acked('ref-1', at(11));
  expect(refs()).toEqual(['ref-1', 'ref-1', 'ref-2']);
});

test('what was written offline waits for the connection', () => {
  isLive = false;
  say('lobby', 'hello');
  expect(states()).toEqual(['waiting']);
  isLive = true;
  outbox.flush('lobby');
  expect(refs()).toEqual(['ref-1']);
});

test('a refusal for good fails the message and says why, and the next one goes on', () => {
  say('lobby', 'one');
  say('lobby', 'two');
  outbox.refused('ref-1', { code: 'forbidden' });
  expect(outbox.items.value[0]).toMatchObject({
    state: 'failed',
    error: 'You are not allowed to do this.',
  });
  expect(refs()).toEqual(['ref-1', 'ref-2']);
});

test('a rate limit is waited out, and the order stays', async () => {
  say('lobby', 'one');
  say('lobby', 'two');
  outbox.refused('ref-1', { code: 'rate_limited', retry_after_seconds: 3 });
  await clock.advance(2_999);
  expect(refs()).toEqual(['ref-1']);
  await clock.advance(1);
  expect(refs()).toEqual(['ref-1', 'ref-1']);
});

test('slow mode keeps the messages of its room waiting, and no changes', async () => {
  const { ref } = say('lobby', 'one');
  say('lobby', 'two');
  outbox.refused(ref, { code: 'slow_mode', retry_after_seconds: 30 });
  expect(waits).toEqual([['lobby', 30]]);
  const change = outbox.add({ type: 'pin', room_id: 'lobby', epoch, seq: 5 }).command.ref;
  expect(refs()).toEqual([ref, change]);
  outbox.acked(change, at(11));
  say('other', 'elsewhere');
  expect(sent.map(bodyOf)).toEqual(['one', null, 'elsewhere']);
  await clock.advance(30_000);
  expect(sent.map(bodyOf)).toEqual(['one', null, 'elsewhere', 'one']);
});

test('an overdue ack first questions the connection, then fails the message', async () => {
  say('lobby', 'hello');
  await clock.advance(5_000);
  expect([silences, states()]).toEqual([1, ['sent']]);
  await clock.advance(10_000);
  expect(states()).toEqual(['failed']);
});

test('a failed message is retried with its ref, or discarded', () => {
  say('lobby', 'hello');
  outbox.refused('ref-1', { code: 'forbidden' });
  outbox.retry('ref-1');
  expect(refs()).toEqual(['ref-1', 'ref-1']);
  outbox.refused('ref-1', { code: 'forbidden' });
  outbox.discard('ref-1');
  expect(outbox.items.value).toEqual([]);
});

test('only a failed message can be discarded: the server may hold the others', () => {
  say('lobby', 'hello');
  outbox.discard('ref-1');
  expect(states()).toEqual(['sent']);
});

test('an acked message whose echo was never seen is settled by its seq', () => {
  say('lobby', 'hello');
  outbox.acked('ref-1', at(11));
  outbox.settleUpTo('lobby', at(10));
  expect(states()).toEqual(['stored']);
  outbox.settleUpTo('lobby', at(11));
  expect(outbox.items.value).toEqual([]);
});

describe('an answer', () => {
  const answer = () =>
    outbox.add({ type: 'send', room_id: 'lobby', body: 'yes', reply_to: 5 }).command.ref;

  test('tells the epoch of the message answered, where the server takes it', () => {
    const ref = answer();
    expect(sent).toEqual([
      { type: 'send', room_id: 'lobby', ref, body: 'yes', reply_to: 5, epoch: 'e1' },
    ]);
    outbox.acked(ref, at(11));
    takesEpoch = false;
    answer();
    say('lobby', 'no answer');
    expect(sent.at(-1)).not.toHaveProperty('epoch');
  });

  test('to a message of another epoch is sent once more, and answers none', () => {
    const ref = answer();
    outbox.refused(ref, { code: 'reset' });
    expect(sent.slice(1)).toEqual([{ type: 'send', room_id: 'lobby', ref, body: 'yes' }]);
    outbox.refused(ref, { code: 'forbidden' });
    expect(states()).toEqual(['failed']);
  });

  test('to a deleted message fails, and says why', () => {
    outbox.refused(answer(), { code: 'deleted' });
    expect(outbox.items.value).toMatchObject([
      { state: 'failed', error: expect.stringContaining('deleted') },
    ]);
  });
});

describe('a reload', () => {
  test('keeps unsent messages, their refs and their order', async () => {
    say('lobby', 'one');
    say('lobby', 'two');
    say('lobby', 'three');
    await reload();
    expect(states()).toEqual(['sent', 'waiting', 'waiting']);
    for (const ref of ['ref-1', 'ref-2', 'ref-3']) outbox.acked(ref, at(11));
    expect(refs()).toEqual(['ref-1', 'ref-2', 'ref-3']);
  });

  test('an hour later changes nothing about that', async () => {
    isLive = false;
    say('lobby', 'hello');
    await clock.sleep(3_600_000);
    await reload();
    expect(states()).toEqual(['waiting']);
    isLive = true;
    outbox.flush('lobby');
    expect(refs()).toEqual(['ref-1']);
  });

  test('keeps what failed, and why', async () => {
    say('lobby', 'hello');
    outbox.refused('ref-1', { code: 'forbidden' });
    await reload();
    expect(outbox.items.value).toMatchObject([
      { state: 'failed', error: 'You are not allowed to do this.', attempts: 1 },
    ]);
    expect(sent).toEqual([]);
  });

  test('brings back nothing that was acked, settled or discarded', async () => {
    outbox.acked(say('lobby', 'acked').ref, at(11));
    outbox.settle(say('other', 'settled').ref);
    const { ref } = say('den', 'discarded');
    outbox.refused(ref, { code: 'forbidden' });
    outbox.discard(ref);
    await reload();
    expect(outbox.items.value).toEqual([]);
  });

  test('brings back nothing that the log shows already', async () => {
    say('lobby', 'hello');
    stored.add('ref-1');
    await reload();
    expect(outbox.items.value).toEqual([]);
    expect(store.kept.size).toBe(0);
  });

  test('lets what is written before they are back go after them', async () => {
    isLive = false;
    say('lobby', 'one');
    isLive = true;
    sent = [];
    outbox = makeOutbox();
    outbox.start();
    say('lobby', 'two');
    expect(refs()).toEqual([]);
    await settled();
    outbox.acked('ref-1', at(11));
    expect(refs()).toEqual(['ref-1', 'ref-2']);
  });

  test('sends what is written even when the browser does not answer', async () => {
    store.own = () => new Promise(() => {});
    outbox = makeOutbox();
    outbox.start();
    say('lobby', 'hello');
    await clock.advance(2_000);
    expect(refs()).toEqual(['ref-1']);
  });

  test('keeps the order where the clock stands still or was put back', async () => {
    isLive = false;
    say('lobby', 'one');
    say('lobby', 'two');
    await clock.sleep(-60_000);
    say('lobby', 'three');
    store.kept = new Map([...store.kept].reverse());
    await reload();
    expect(outbox.items.value.map(({ command }) => bodyOf(command))).toEqual([
      'one',
      'two',
      'three',
    ]);
  });
});

describe('what another tab left behind', () => {
  test('is taken over, and sent in its order', async () => {
    store.left = [makePending('left-2', { at: '2026-01-05T10:00:02.000Z' }), makePending('left-1')];
    await clock.advance(5_000);
    expect(refs()).toEqual(['left-1']);
    outbox.acked('left-1', at(11));
    expect(refs()).toEqual(['left-1', 'left-2']);
    outbox.acked('left-2', at(12));
    expect(store.kept.size).toBe(0);
  });

  test('waits behind what is on its way', async () => {
    store.left = [makePending('left-1', { at: '2020-01-05T10:00:02.000Z' })];
    await clock.advance(4_000);
    say('lobby', 'hello');
    await clock.advance(1_000);
    expect(refs()).toEqual(['ref-1']);
    outbox.acked('ref-1', at(11));
    expect(refs()).toEqual(['ref-1', 'left-1']);
  });

  test('is not shown when the log has it already', async () => {
    store.left = [makePending('left-1')];
    stored.add('left-1');
    await clock.advance(5_000);
    expect([sent, outbox.items.value, store.kept.size]).toEqual([[], [], 0]);
  });

  test('is left alone once the session is over', async () => {
    outbox.stop();
    store.left = [makePending('left-1')];
    await clock.advance(60_000);
    expect(store.left).toHaveLength(1);
    expect(clock.armed).toBe(0);
  });
});

describe('a page that was frozen', () => {
  test('fails nothing for the answer that it could not read', async () => {
    say('lobby', 'hello');
    await clock.advance(5_000);
    await clock.sleep(60_000);
    expect([silences, states()]).toEqual([2, ['sent']]);
    outbox.acked('ref-1', at(11));
    expect(states()).toEqual(['stored']);
  });

  test('waits no longer than that once it is awake', async () => {
    say('lobby', 'hello');
    await clock.advance(5_000);
    await clock.sleep(60_000);
    await clock.advance(10_000);
    expect(states()).toEqual(['failed']);
  });
});

test('the end of a session keeps what was not sent, a log-out deletes it', async () => {
  isLive = false;
  say('lobby', 'hello');
  outbox.stop();
  expect(store.kept.size).toBe(1);
  await reload();
  outbox.forget();
  expect(outbox.items.value).toEqual([]);
  expect(store.kept.size).toBe(0);
  expect(clock.armed).toBe(0);
});

describe('a change of a message', () => {
  const edit = (body: string, seq = 5) =>
    outbox.add({ type: 'edit', room_id: 'lobby', epoch, seq, body }).command.ref;
  const react = (emoji: string) =>
    outbox.add({ type: 'react', room_id: 'lobby', epoch, seq: 5, emoji }).command.ref;
  const dropped = () => outbox.dropped.value.map(({ command, error }) => [command.ref, error]);

  test('tells the epoch in which the user saw the message, and keeps its place among messages', () => {
    say('lobby', 'one');
    const ref = edit('better');
    say('lobby', 'two');
    outbox.acked('ref-1', at(11));
    expect(sent[1]).toEqual({
      ...{ type: 'edit', room_id: 'lobby', epoch: 'e1', seq: 5, ref, body: 'better' },
    });
    outbox.acked(ref, at(12));
    expect(sent.map(bodyOf)).toEqual(['one', 'better', 'two']);
  });

  test('is shown until the log has come as far as its entry', () => {
    const ref = edit('better');
    outbox.acked(ref, at(12));
    outbox.settleUpTo('lobby', at(11));
    expect(outbox.changesIn('lobby')).toHaveLength(1);
    outbox.settleUpTo('lobby', at(12));
    expect(outbox.changesIn('lobby')).toEqual([]);
  });

  test('is retried with its ref after a lost connection, and after a reload', async () => {
    const ref = edit('better');
    outbox.lost();
    outbox.flush('lobby');
    expect(refs()).toEqual([ref, ref]);
    await reload();
    expect(sent).toMatchObject([{ type: 'edit', ref, epoch: 'e1', body: 'better' }]);
  });

  test.each([
    'deleted',
    'not_found',
    'forbidden',
    'reset',
    'limit',
    'ref_conflict',
    'unknown_type',
  ])(
    'that is refused with %s is dropped, the user is told, and the next one goes on',
    async (code) => {
      const ref = edit('better');
      const next = react('👍');
      outbox.refused(ref, { code, message: 'no' });
      expect(outbox.items.value).toHaveLength(1);
      expect(dropped()).toEqual([[ref, expect.stringMatching(/\.$/)]]);
      expect(refs()).toEqual([ref, next]);
      outbox.acked(next, at(12));
      outbox.told(ref);
      expect(dropped()).toEqual([]);
      await reload();
      expect(outbox.changesIn('lobby')).toEqual([]);
    },
  );

  test('that has to wait is not dropped', async () => {
    const ref = edit('better');
    outbox.refused(ref, { code: 'rate_limited', retry_after_seconds: 1 });
    await clock.advance(1_000);
    expect(refs()).toEqual([ref, ref]);
    expect(dropped()).toEqual([]);
  });

  test('that nobody answers can be retried or discarded', async () => {
    const ref = edit('better');
    await clock.advance(15_000);
    expect([states(), dropped()]).toEqual([['failed'], []]);
    outbox.retry(ref);
    expect(refs()).toEqual([ref, ref]);
  });

  test('of a message of another epoch is dropped and not sent', async () => {
    isLive = false;
    const ref = edit('better');
    say('lobby', 'hello');
    epoch = 'e2';
    isLive = true;
    outbox.flush('lobby');
    expect(dropped()).toEqual([[ref, expect.stringContaining('restored')]]);
    expect(sent.map(bodyOf)).toEqual(['hello']);
    expect([...store.kept.values()].map(({ command }) => command.type)).toEqual(['send']);
  });

  test('that was stored is forgotten under another epoch, without a word', () => {
    outbox.acked(edit('better'), at(12));
    epoch = 'e2';
    outbox.flush('lobby');
    expect([outbox.items.value, dropped()]).toEqual([[], []]);
  });

  test('is dropped when the user is no longer a member', () => {
    isLive = false;
    const ref = edit('better');
    outbox.failRoom('lobby', 'You are no longer a member of this room.');
    expect(dropped()).toEqual([[ref, 'You are no longer a member of this room.']]);
  });

  test('of a closed tab is sent by another one', async () => {
    const command: EntryCommand = {
      ...{ type: 'delete', room_id: 'lobby', epoch: 'e1', seq: 5, ref: 'left-1' },
    };
    store.left = [makePending('left-1', { command, epoch: 'e1' })];
    await clock.advance(5_000);
    expect(sent).toEqual([command]);
  });
});
