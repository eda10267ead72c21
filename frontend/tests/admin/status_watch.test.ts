import type { Node, Status } from 'tailwire-client/wire/api/admin';
import { Problem } from 'tailwire-client/wire/problem';
import { expect, test } from 'vitest';
import { StatusWatch } from '../../src/admin/status_watch';
import { ManualClock } from '../doubles/manual_clock';
import { AT } from '../make';

const node = (connections: number, lag_ms: number, age_ms = 0): Node => ({
  ...{ node_id: `n${connections}`, current: age_ms === 0, age_ms, host: 'a', process: 1 },
  ...{
    version: '1',
    started_at: AT,
    connections,
    sockets: connections,
    subscriptions: 0,
    rooms: 0,
  },
  ...{
    feed: { live: true, lag_ms, silent_ms: 0 },
    memory_short: false,
    clock_skew_ms: 0,
    tasks: [],
  },
});

const status = (...nodes: Node[]): Status => ({
  ...{ status: 'ready', version: '1', nodes, leases: [] },
  store: { kind: 'sqlite', up: true, bytes: 1 },
});

test('it asks while somebody looks, and remembers the sums over the nodes that are there', async () => {
  const clock = new ManualClock();
  const answers: (Status | Problem)[] = [
    status(node(3, 5), node(4, 9)),
    new Problem({ status: 503, code: 'unavailable' }),
    status(node(7, 1), node(90, 999, 31_000)),
  ];
  let asked = 0;
  const watch = new StatusWatch(
    {
      status: async () => {
        const answer = answers[asked++];
        if (!answer || answer instanceof Problem) throw answer;
        return answer;
      },
    },
    clock,
  );
  const end = watch.watch();
  await clock.advance(0);
  expect(watch.samples.value).toMatchObject([{ connections: 7, lag: 9 }]);
  await clock.advance(5_000);
  expect(watch.error.value).toContain('busy or restarting');
  expect(watch.now.value?.nodes).toHaveLength(2);
  await clock.advance(5_000);
  expect(watch.error.value).toBe('');
  expect(watch.samples.value).toMatchObject([{ connections: 7 }, { connections: 7, lag: 1 }]);
  end();
  await clock.advance(60_000);
  expect([asked, clock.armed]).toEqual([3, 0]);
});
