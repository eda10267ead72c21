import type { Consumer } from 'tailwire-client/wire/consumers';
import type { Requests } from 'tailwire-client/wire/requests';
import { expect, test } from 'vitest';
import { Consumers, lagText } from '../../src/account/consumers';

const CONSUMER: Consumer = {
  ...{ name: 'echo', room_ids: null, lag: 3 },
  ...{ created_at: '2026-11-29T09:00:00.000Z', acked_at: null },
};

test('the consumers of a bot are listed with how far they are behind, and ended', async () => {
  const asked: string[] = [];
  const requests = {
    get: async (path: string) => {
      asked.push(`GET ${path}`);
      return path.endsWith('consumers') ? { items: [{ name: 'echo' }] } : CONSUMER;
    },
    send: async (method: string, path: string) => {
      asked.push(`${method} ${path}`);
    },
  } as unknown as Requests;
  const consumers = new Consumers(requests, 'b');
  await consumers.load();
  expect(consumers.items.value).toEqual([CONSUMER]);
  await consumers.end('echo');
  expect(consumers.items.value).toEqual([]);
  await new Consumers(requests, null).load();
  expect(asked).toEqual([
    'GET bots/b/consumers',
    'GET bots/b/consumers/echo',
    'DELETE bots/b/consumers/echo',
    'GET consumers',
    'GET consumers/echo',
  ]);
});

test.each([
  [0, 'Has read everything'],
  [1, '1 entry behind'],
  [1_200, '1,200 entries behind'],
])('a lag of %i stands there as "%s"', (lag, words) => {
  expect(lagText({ ...CONSUMER, lag })).toBe(words);
});
