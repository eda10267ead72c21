import { beforeEach, expect, test } from 'vitest';
import { Outbox } from '../src/outbox';
import type { Command } from '../src/protocol';
import { MemoryStorage } from './make';
import { ManualClock } from './manual_clock';

let clock: ManualClock;
let storage: MemoryStorage;
let sent: Extract<Command, { type: 'send' }>[];
let isLive: boolean;
let silences: number;
let outbox: Outbox;

function makeOutbox(): Outbox {
  let refs = 0;
  return new Outbox({
    user_id: 'alice-id',
    storage,
    clock,
    makeRef: () => `ref-${++refs}`,
    transmit: (command) => {
      if (isLive && command.type === 'send') sent.push(command);
      return isLive;
    },
    onSilence: () => silences++,
  });
}

beforeEach(() => {
  clock = new ManualClock();
  storage = new MemoryStorage();
  sent = [];
  isLive = true;
  silences = 0;
  outbox = makeOutbox();
});

const states = () => outbox.items.value.map(({ state }) => state);
const refs = () => sent.map(({ ref }) => ref);

test('a message is shown before it is acked, and gone after its echo', () => {
  const { ref } = outbox.add('lobby', 'hello');
  expect(states()).toEqual(['sent']);
  outbox.acked(ref, 11);
  expect(states()).toEqual(['stored']);
  outbox.settle(ref);
  expect(outbox.items.value).toEqual([]);
});

test('an echo that overtakes its ack settles the message, and the ack changes nothing', () => {
  const { ref } = outbox.add('lobby', 'hello');
  outbox.settle(ref);
  outbox.acked(ref, 11);
  expect(outbox.items.value).toEqual([]);
});

test('messages of one room leave one after the other, in order', () => {
  outbox.add('lobby', 'one');
  outbox.add('lobby', 'two');
  outbox.add('other', 'elsewhere');
  expect(sent.map(({ body }) => body)).toEqual(['one', 'elsewhere']);
  outbox.acked('ref-1', 11);
  expect(sent.map(({ body }) => body)).toEqual(['one', 'elsewhere', 'two']);
});

test('what was unacked when the connection broke is sent again with the same refs', () => {
  outbox.add('lobby', 'one');
  outbox.add('lobby', 'two');
  isLive = false;
  outbox.lost();
  outbox.flush('lobby');
  expect(refs()).toEqual(['ref-1']);
  isLive = true;
  outbox.flush('lobby');
  outbox.acked('ref-1', 11);
  expect(refs()).toEqual(['ref-1', 'ref-1', 'ref-2']);
});

test('what was written offline waits for the connection', () => {
  isLive = false;
  outbox.add('lobby', 'hello');
  expect(states()).toEqual(['waiting']);
  isLive = true;
  outbox.flush('lobby');
  expect(refs()).toEqual(['ref-1']);
});

test('a reload keeps unsent messages and their refs', () => {
  outbox.add('lobby', 'hello');
  sent = [];
  outbox = makeOutbox();
  expect(states()).toEqual(['waiting']);
  outbox.flush('lobby');
  expect(refs()).toEqual(['ref-1']);
});

test('a refusal for good fails the message and says why, and the next one goes on', () => {
  outbox.add('lobby', 'one');
  outbox.add('lobby', 'two');
  outbox.refused('ref-1', 'forbidden');
  expect(outbox.items.value[0]).toMatchObject({
    state: 'failed',
    error: 'You are not allowed to do this.',
  });
  expect(refs()).toEqual(['ref-1', 'ref-2']);
});

test('a rate limit is waited out, and the order stays', async () => {
  outbox.add('lobby', 'one');
  outbox.add('lobby', 'two');
  outbox.refused('ref-1', 'rate_limited', '', 3);
  await clock.advance(2_999);
  expect(refs()).toEqual(['ref-1']);
  await clock.advance(1);
  expect(refs()).toEqual(['ref-1', 'ref-1']);
});

test('an overdue ack first questions the connection, then fails the message', async () => {
  outbox.add('lobby', 'hello');
  await clock.advance(5_000);
  expect([silences, states()]).toEqual([1, ['sent']]);
  await clock.advance(10_000);
  expect(states()).toEqual(['failed']);
});

test('a failed message is retried with its ref, or discarded', () => {
  outbox.add('lobby', 'hello');
  outbox.refused('ref-1', 'forbidden');
  outbox.retry('ref-1');
  expect(refs()).toEqual(['ref-1', 'ref-1']);
  outbox.refused('ref-1', 'forbidden');
  outbox.discard('ref-1');
  expect(outbox.items.value).toEqual([]);
});

test('only a failed message can be discarded: the server may hold the others', () => {
  outbox.add('lobby', 'hello');
  outbox.discard('ref-1');
  expect(states()).toEqual(['sent']);
});

test('an acked message whose echo was never seen is settled by its seq', () => {
  outbox.add('lobby', 'hello');
  outbox.acked('ref-1', 11);
  outbox.settleUpTo('lobby', 10);
  expect(states()).toEqual(['stored']);
  outbox.settleUpTo('lobby', 11);
  expect(outbox.items.value).toEqual([]);
});

test('storage that refuses to store costs nothing but the reload', () => {
  storage.setItem = () => {
    throw new Error('full');
  };
  outbox.add('lobby', 'hello');
  expect(states()).toEqual(['sent']);
});
