import { signal } from '@preact/signals';
import { Connection } from 'tailwire-client/wire/connection';
import { Problem, unreachable } from 'tailwire-client/wire/problem';
import type { ServerEvent } from 'tailwire-client/wire/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock, settled } from '../doubles/manual_clock';
import { ScriptedServer } from '../doubles/scripted_socket';

let clock: ManualClock;
let server: ScriptedServer;
let connection: Connection;
let events: ServerEvent[];
let ended: (string | null)[];
let lost: number;
let readies: number;
let online: boolean;
let refused: (string | undefined)[];
let token: (refused?: string) => Promise<string>;

beforeEach(() => {
  clock = new ManualClock();
  server = new ScriptedServer();
  events = [];
  ended = [];
  lost = 0;
  readies = 0;
  online = true;
  refused = [];
  let issued = 0;
  token = (old) => {
    refused.push(old);
    if (old !== undefined || issued === 0) issued++;
    return Promise.resolve(`token-${issued}`);
  };
  connection = new Connection({
    url: 'wss://chat.example/ws/messages',
    clock,
    WebSocket: server.WebSocket,
    cell: signal,
    token: (old) => token(old),
    renewIn: () => 14 * 60_000,
    isOnline: () => online,
    onReady: () => readies++,
    onEvent: (event) => events.push(event),
    onLost: () => lost++,
    onSessionEnded: (text) => ended.push(text),
  });
});

async function goLive(): Promise<void> {
  connection.start();
  await settled();
  server.socket.makeReady();
}

const phase = () => connection.state.value.phase;

test('the token goes into the first message, never into the address', async () => {
  await goLive();
  expect(server.socket.url).toBe('wss://chat.example/ws/messages');
  expect(server.socket.commands[0]).toEqual({ type: 'authenticate', token: 'token-1' });
  expect(phase()).toBe('live');
});

test('nothing can be sent before ready', async () => {
  connection.start();
  await settled();
  server.socket.accept();
  expect(connection.send({ type: 'ping' })).toBe(false);
});

test('a lost connection comes back after a random part of a growing wait', async () => {
  await goLive();
  const waits: number[] = [];
  for (let attempt = 0; attempt < 9; attempt++) {
    server.socket.drop();
    const state = connection.state.value;
    if (state.phase !== 'waiting') throw new Error(`it is ${state.phase}`);
    waits.push(state.retry_at - clock.now());
    await clock.advance(waits.at(-1) ?? 0);
  }
  expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  expect(lost).toBe(1);
});

test('the wait starts over only after a connection that lasted', async () => {
  await goLive();
  for (let attempt = 0; attempt < 3; attempt++) {
    server.socket.drop();
    await clock.advance(5_000);
    server.socket.makeReady();
  }
  server.socket.drop();
  expect(connection.state.value).toMatchObject({ retry_at: clock.now() + 2_000 });
  await clock.advance(2_000);
  server.socket.makeReady();
  await clock.advance(10_000);
  server.socket.drop();
  expect(connection.state.value).toMatchObject({ retry_at: clock.now() + 250 });
});

describe('close codes', () => {
  test('4401 renews the token and comes back', async () => {
    await goLive();
    server.socket.drop(4401);
    await clock.advance(500);
    server.socket.makeReady();
    expect(server.socket.commands[0]).toEqual({ type: 'authenticate', token: 'token-2' });
    expect(ended).toEqual([]);
  });

  test('4401 with a refresh token that is refused as well ends the session', async () => {
    await goLive();
    token = () => Promise.reject(new Problem({ status: 401, code: 'unauthorized' }));
    server.socket.drop(4401);
    await clock.advance(500);
    expect(ended).toEqual([null]);
  });

  test('4501 leads to the log-in with an explanation and never comes back', async () => {
    await goLive();
    server.socket.drop(4501);
    await clock.advance(120_000);
    expect(ended[0]).toContain('Log in again');
    expect(server.sockets).toHaveLength(1);
  });

  test.each([4502, 4503, 4999, 1002, 1003, 1007, 1009])(
    '%i stops with an explanation',
    async (code) => {
      await goLive();
      server.socket.drop(code);
      await clock.advance(120_000);
      expect(connection.state.value).toMatchObject({ phase: 'stopped', code });
      expect(server.sockets).toHaveLength(1);
      expect(clock.armed).toBe(0);
    },
  );

  test('after 4502 the user can claim the connection for this window', async () => {
    await goLive();
    server.socket.drop(4502);
    connection.tryNow();
    await settled();
    server.socket.makeReady();
    expect(phase()).toBe('live');
  });

  test.each([1011, 1013])('%i backs off further than a mere loss', async (code) => {
    await goLive();
    server.socket.drop(code);
    expect(connection.state.value).toMatchObject({ retry_at: clock.now() + 4_000 });
  });

  test('4429 waits as long as the server asked', async () => {
    await goLive();
    server.socket.emit({ type: 'error', ref: null, code: 'rate_limited', retry_after_seconds: 40 });
    server.socket.drop(4429);
    await clock.advance(39_999);
    expect(server.sockets).toHaveLength(1);
    await clock.advance(1_000);
    expect(server.sockets).toHaveLength(2);
  });

  test.each([1001, 1006, 1012, 4408, 4420, 4444])('%i comes back', async (code) => {
    await goLive();
    server.socket.drop(code);
    await clock.advance(500);
    expect(server.sockets).toHaveLength(2);
  });
});

describe('renewal', () => {
  test('expiring sends a new token on the open connection, and subscriptions stand', async () => {
    await goLive();
    server.socket.emit({ type: 'expiring', expires_at: '2026-01-01T00:15:00Z' });
    await settled();
    expect(server.socket.sent('authenticate').map(({ token }) => token)).toEqual([
      'token-1',
      'token-2',
    ]);
    server.socket.makeReady();
    expect(readies).toBe(1);
  });

  test('the token is renewed in time even when the server says nothing', async () => {
    await goLive();
    const beat = setBeating(server, clock);
    await beat(14 * 60_000);
    expect(server.socket.sent('authenticate')).toHaveLength(2);
    expect(server.sockets).toHaveLength(1);
  });

  test('a renewal that cannot reach the server is tried again', async () => {
    await goLive();
    const working = token;
    token = () => Promise.reject(unreachable());
    server.socket.emit({ type: 'expiring' });
    await settled();
    token = working;
    await clock.advance(5_000);
    expect(server.socket.sent('authenticate')).toHaveLength(2);
    expect(ended).toEqual([]);
  });
});

describe('a connection that only looks alive', () => {
  test('silence beyond the heartbeat is questioned, and a dead connection replaced', async () => {
    await goLive();
    await clock.advance(37_500);
    expect(server.socket.sent('ping')).toHaveLength(1);
    await clock.advance(5_000);
    expect(server.sockets[0]?.closedByClient).toBe(true);
    await clock.advance(500);
    expect(server.sockets).toHaveLength(2);
  });

  test('a pong proves it alive', async () => {
    await goLive();
    await clock.advance(37_500);
    server.socket.emit({ type: 'pong', server_time: 'now' });
    await clock.advance(10_000);
    expect(server.sockets).toHaveLength(1);
  });

  test('after sleep it is questioned, whatever was heard before', async () => {
    await goLive();
    await clock.advance(30_000);
    server.socket.emit({ type: 'heartbeat', server_time: 'now' });
    await clock.sleep(3_600_000);
    expect(server.socket.sent('ping')).toHaveLength(1);
  });

  test('a page that wakes questions it, and comes back at once where it was waiting', async () => {
    await goLive();
    connection.woke();
    expect(server.socket.sent('ping')).toHaveLength(1);
    server.socket.drop();
    connection.woke();
    await settled();
    expect(server.sockets).toHaveLength(2);
  });

  test('a handshake that nobody answers is given up', async () => {
    connection.start();
    await clock.advance(10_000);
    expect(phase()).toBe('waiting');
  });
});

describe('the network', () => {
  test('the browser going offline is shown at once', async () => {
    await goLive();
    online = false;
    connection.browserOffline();
    expect(connection.state.value).toMatchObject({ phase: 'waiting', browser_offline: true });
    expect(lost).toBe(1);
  });

  test('the network coming back connects at once', async () => {
    await goLive();
    online = false;
    connection.browserOffline();
    online = true;
    connection.tryNow();
    await settled();
    expect(server.sockets).toHaveLength(2);
  });

  test('trying now twice opens one connection', async () => {
    await goLive();
    server.socket.drop();
    connection.tryNow();
    connection.tryNow();
    await settled();
    expect(server.sockets).toHaveLength(2);
  });

  test('no token for lack of a network is no end of the session', async () => {
    token = () => Promise.reject(unreachable());
    connection.start();
    await settled();
    expect(phase()).toBe('waiting');
    expect(ended).toEqual([]);
  });
});

test('frames that are no event of ours are ignored', async () => {
  await goLive();
  for (const frame of [
    '',
    '[]',
    'null',
    '{',
    '{"type":"__proto__"}',
    '{"type":"news"}',
    new Blob(),
  ])
    server.socket.emitFrame(frame);
  server.socket.emit({ type: 'message', room_id: 'lobby', seq: 'one' });
  expect(events).toEqual([]);
  expect(phase()).toBe('live');
});

test('stopping leaves no timer and hears nothing more', async () => {
  await goLive();
  const { socket } = server;
  connection.stop();
  socket.drop();
  expect(clock.armed).toBe(0);
  expect(socket.closedByClient).toBe(true);
});

/** Moves time on with a heartbeat every 25 s, as a quiet server would send. */
function setBeating(server: ScriptedServer, clock: ManualClock) {
  return async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 25_000) {
      await clock.advance(Math.min(25_000, milliseconds - passed));
      server.socket.emit({ type: 'heartbeat', server_time: 'now' });
    }
    await settled();
  };
}
