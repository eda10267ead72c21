import type { Requests } from 'tailwire-client/wire/requests';
import type { Delivery } from 'tailwire-client/wire/webhooks';
import { expect, test } from 'vitest';
import { kindsText, offeredKinds } from '../../src/rooms/webhook_kinds';
import { outcomeText, replayText, stateText, Webhooks } from '../../src/rooms/webhooks';
import { makeWebhook } from '../make';

const WEBHOOK = makeWebhook();

/** A server that notes what it is asked, and answers with a paused webhook. */
function server() {
  const asked: [string, string, unknown][] = [];
  const requests = {
    get: async (path: string, query: unknown) => {
      asked.push(['GET', path, query]);
      return { items: [WEBHOOK, { ...WEBHOOK, webhook_id: 'x' }], next_cursor: null };
    },
    send: async (method: string, path: string, options?: { body?: unknown }) => {
      asked.push([method, path, options?.body]);
      return { ...WEBHOOK, state: 'paused', paused_by: 'owner', secret: 'whsec_s' };
    },
  } as unknown as Requests;
  return { asked, requests };
}

test('a webhook is paused where it stands, and one that is ended leaves the list', async () => {
  const { asked, requests } = server();
  const webhooks = new Webhooks(requests, 'r');
  await webhooks.load();
  await webhooks.set('w', { paused: true });
  expect(webhooks.items.value.map(({ state }) => state)).toEqual(['paused', 'active']);
  await webhooks.end('w');
  expect(webhooks.items.value.map(({ webhook_id }) => webhook_id)).toEqual(['x']);
  expect(asked.slice(1)).toEqual([
    ['PATCH', 'rooms/r/webhooks/w', { paused: true }],
    ['DELETE', 'rooms/r/webhooks/w', undefined],
  ]);
});

test('the secret of a new webhook is given on, and entries are sent once more', async () => {
  const { asked, requests } = server();
  const webhooks = new Webhooks(requests, 'r');
  const made = await webhooks.make('https://in.example/', ['message']);
  expect(made.secret).toBe('whsec_s');
  expect((await webhooks.renewSecret('w')).secret).toBe('whsec_s');
  expect(asked).toContainEqual(['POST', 'rooms/r/webhooks/w/secret', undefined]);
  await webhooks.replay('w', { epoch: 'e', from_seq: 7, to_seq: 9 });
  await webhooks.deliveries('w', true).load();
  expect(asked).toContainEqual([
    'POST',
    'rooms/r/webhooks/w/replay',
    { epoch: 'e', from_seq: 7, to_seq: 9 },
  ]);
  expect(asked[0]?.[2]).toEqual({ url: 'https://in.example/', kinds: ['message'] });
  expect(asked.at(-1)).toEqual([
    'GET',
    'rooms/r/webhooks/w/deliveries',
    { dead: 'true', cursor: undefined, limit: 20 },
  ]);
});

test('how a webhook is stands there in plain words', () => {
  expect(stateText(WEBHOOK)).toBe('Everything is delivered in order.');
  const waiting = { waiting_since: WEBHOOK.created_at, next_attempt_at: WEBHOOK.created_at };
  expect(stateText({ ...WEBHOOK, ...waiting })).toMatch(
    /^The receiver does not answer\. Waiting since .*, tries again at .*\. Nothing is skipped\.$/,
  );
  expect(stateText({ ...WEBHOOK, ...waiting, last_status: 503 })).toContain('answered 503');
  for (const paused_by of ['owner', 'gone', 'down'] as const) {
    expect(stateText({ ...WEBHOOK, paused_by })).toMatch(/^Paused.*It keeps its place\.$/);
  }
});

test('what became of an attempt stands there in plain words', () => {
  const one = { outcome: 'delivered', status: 200, attempt: 1, milliseconds: 12 } as Delivery;
  expect(outcomeText(one)).toBe('delivered (answer 200, 12 ms)');
  expect(outcomeText({ ...one, outcome: 'down', status: null, attempt: 3 })).toBe(
    'not taken, waits (no answer, attempt 3, 12 ms)',
  );
});

test('which entries are sent once more stands there in plain words', () => {
  expect(replayText({ epoch: 'e', from_seq: 7, to_seq: 7 })).toBe('Entry 7 is sent once more.');
  expect(replayText({ epoch: 'e', from_seq: 7, to_seq: 9 })).toContain('7 to 9');
});

test('kinds that a program has chosen are offered beside those that the page knows', () => {
  const offered = offeredKinds(['message', 'poll']).map(({ kind }) => kind);
  expect(offered).toEqual([...offeredKinds(null).map(({ kind }) => kind), 'poll']);
  expect(kindsText(null)).toBe('');
  expect(kindsText(['delete', 'message', 'poll'])).toBe(
    'Only: Messages, Deletions of messages, Entries of the kind poll.',
  );
});
