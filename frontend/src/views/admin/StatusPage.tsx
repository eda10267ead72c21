import { useEffect } from 'preact/hooks';
import type { Node, Status } from 'tailwire-client/wire/api/admin';
import { isSilent } from '../../admin/status_watch';
import { ago, fullTime } from '../../browser/time';
import { useAdmin, useApp } from '../parts/context';
import { Chart } from './Chart';

const STORES = new Map([
  ['sqlite', 'SQLite'],
  ['rethinkdb', 'RethinkDB'],
]);
const MIB = 1024 * 1024;

/** How the server is now, and how it was while this page was open. */
export function StatusPage() {
  const { status } = useAdmin();
  useEffect(() => status.watch(), [status]);
  const now = status.now.value;
  const error = status.error.value;
  const samples = status.samples.value;
  return (
    <>
      <div role="alert" class="form-alert">
        {error && <p class="callout danger">{error} It is asked again every few seconds.</p>}
      </div>
      {!now && !error && <p role="status">Loading…</p>}
      {now && (
        <>
          <Facts status={now} />
          <div class="charts">
            <Chart
              title="Connections"
              points={samples.map(({ at, connections }) => ({ at, value: connections }))}
              text={(value) => value.toLocaleString()}
            />
            <Chart
              title="Delay of the feed"
              points={samples.map(({ at, lag }) => ({ at, value: lag }))}
              text={(value) => `${value.toLocaleString()} ms`}
            />
          </div>
          <h3>Nodes</h3>
          <ul class="admin-list" aria-label="Nodes">
            {now.nodes.map((node) => (
              <NodeItem key={node.node_id} node={node} />
            ))}
          </ul>
          <Leases status={now} />
        </>
      )}
    </>
  );
}

function Facts({ status }: { status: Status }) {
  const { kind, up, bytes } = status.store;
  const isReady = status.status === 'ready';
  const size = bytes === null ? '' : `, ${(bytes / MIB).toFixed(1)} MiB`;
  return (
    <dl class="admin-facts">
      <div>
        <dt>This server</dt>
        <dd>
          <span class={isReady ? 'health good' : 'health bad'}>
            {isReady ? 'Ready' : 'Not ready'}
          </span>
        </dd>
      </div>
      <div>
        <dt>Database</dt>
        <dd>
          {STORES.get(kind) ?? kind}
          {size}, <span class={up ? 'health good' : 'health bad'}>{up ? 'answers' : 'away'}</span>
        </dd>
      </div>
      <div>
        <dt>Version</dt>
        <dd>{status.version}</dd>
      </div>
    </dl>
  );
}

function NodeItem({ node }: { node: Node }) {
  const { now } = useApp();
  const silent = isSilent(node);
  const troubles = [
    silent && `not heard of for ${Math.round(node.age_ms / 1000)} seconds`,
    !node.feed.live && 'its feed is away',
    node.memory_short && 'short of memory',
    node.tasks.length > 0 && `not well: ${node.tasks.join(', ')}`,
  ].filter(Boolean);
  return (
    <li class="admin-node">
      <p class="admin-item-name">
        <bdi>
          {node.host}:{node.process}
        </bdi>{' '}
        {node.current && <span class="role">this one</span>}{' '}
        <span class={troubles.length > 0 ? 'health bad' : 'health good'}>
          {troubles.length > 0 ? troubles.join(', ') : 'well'}
        </span>
      </p>
      <p class="admin-item-detail">
        {count(node.connections, 'connection')}, {count(node.subscriptions, 'subscription')} to{' '}
        {count(node.rooms, 'room')}, delay {node.feed.lag_ms.toLocaleString()} ms, clock{' '}
        {Math.abs(node.clock_skew_ms).toLocaleString()} ms{' '}
        {node.clock_skew_ms < 0 ? 'behind' : 'ahead'}
      </p>
      <p class="admin-item-detail">
        Version {node.version}, started{' '}
        <time dateTime={node.started_at} title={fullTime(node.started_at)}>
          {ago(node.started_at, now.minute.value)}
        </time>
      </p>
    </li>
  );
}

/** What only one of all nodes does. */
function Leases({ status }: { status: Status }) {
  if (status.leases.length === 0) return null;
  const nameOf = (id: string | null) => {
    const node = status.nodes.find(({ node_id }) => node_id === id);
    return node ? `${node.host}:${node.process}` : 'a node';
  };
  return (
    <>
      <h3>What one node does for all</h3>
      <ul class="admin-list" aria-label="What one node does for all">
        {status.leases.map(({ name, held, node_id, lag }) => (
          <li class="admin-node" key={name}>
            <p class="admin-item-name">{name}</p>
            <p class="admin-item-detail">
              {held ? `${nameOf(node_id)} does it` : 'nobody does it now'}
              {lag !== null && `, ${count(lag, 'entry', 'entries')} behind`}
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}
