import { expect, test } from 'vitest';
import { TokenStore } from '../src/tokens';
import { MemoryStorage } from './make';
import { ManualClock } from './manual_clock';

const pair = (name: string, expires_in = 900) => ({
  access_token: `access-${name}`,
  refresh_token: `refresh-${name}`,
  token_type: 'bearer',
  expires_in,
});

/** Two ends of one BroadcastChannel, delivering at once. */
function makeChannels(): [BroadcastChannel, BroadcastChannel] {
  type End = Pick<BroadcastChannel, 'onmessage' | 'postMessage'>;
  const ends: End[] = [0, 1].map((own) => ({
    onmessage: null,
    postMessage: (data: unknown) =>
      ends[1 - own]?.onmessage?.call(null as never, { data } as MessageEvent),
  }));
  return ends as [BroadcastChannel, BroadcastChannel];
}

test('the refresh token survives a reload, the access token does not', () => {
  const storage = new MemoryStorage();
  new TokenStore(storage, new ManualClock(), null).set(pair('1'));
  const reloaded = new TokenStore(storage, new ManualClock(), null);
  expect(reloaded.refresh).toBe('refresh-1');
  expect(reloaded.access).toBeNull();
  expect(JSON.stringify(storage)).not.toContain('access-1');
});

test('a token is stale a minute before its end, or half way where it lives shorter', async () => {
  const clock = new ManualClock();
  const tokens = new TokenStore(new MemoryStorage(), clock, null);
  tokens.set(pair('1'));
  expect(tokens.renewIn).toBe(840_000);
  await clock.advance(839_000);
  expect(tokens.isStale).toBe(false);
  await clock.advance(1_000);
  expect(tokens.isStale).toBe(true);
  tokens.set(pair('2', 10));
  expect(tokens.renewIn).toBe(5_000);
});

test('a duplicated tab takes over the pair that its twin was given', () => {
  const clock = new ManualClock();
  const [here, there] = makeChannels();
  const first = new TokenStore(new MemoryStorage(), clock, here);
  const second = new TokenStore(new MemoryStorage(), clock, there);
  first.set(pair('1'));
  second.set(pair('1'));
  first.set(pair('2'));
  expect(second.refresh).toBe('refresh-2');
  expect(second.access).toBe('access-2');
});

test('a tab of another session keeps its own', () => {
  const clock = new ManualClock();
  const [here, there] = makeChannels();
  const first = new TokenStore(new MemoryStorage(), clock, here);
  const second = new TokenStore(new MemoryStorage(), clock, there);
  first.set(pair('1'));
  second.set(pair('other'));
  first.set(pair('2'));
  expect(second.refresh).toBe('refresh-other');
});

test('clearing leaves nothing behind', () => {
  const storage = new MemoryStorage();
  const tokens = new TokenStore(storage, new ManualClock(), null);
  tokens.set(pair('1'));
  tokens.clear();
  expect(storage.length).toBe(0);
  expect(tokens.access).toBeNull();
});
