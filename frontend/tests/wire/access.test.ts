import { Api } from 'tailwire-client/wire/api/api';
import { beforeEach, expect, test } from 'vitest';
import { TokenStore } from '../../src/wire/tokens';
import { ManualClock } from '../doubles/manual_clock';
import { ScriptedApi } from '../doubles/scripted_api';

const pair = (name: string) => ({
  access_token: `access-${name}`,
  refresh_token: `refresh-${name}`,
  token_type: 'bearer',
  expires_in: 900,
});

let clock: ManualClock;
let http: ScriptedApi;
let tokens: TokenStore;
let api: Api;

beforeEach(() => {
  clock = new ManualClock();
  http = new ScriptedApi().on('GET /users/me', { body: { id: 'a', username: 'alice' } });
  tokens = new TokenStore(clock, null);
  api = new Api('https://chat.example/', tokens, http.fetch);
});

test('a request carries the access token in the header, never in the address', async () => {
  tokens.signedIn(pair('1'));
  await api.account.me();
  expect(http.requests).toMatchObject([{ token: 'access-1' }]);
  expect(http.requests[0]?.query.toString()).toBe('');
});

test('a token with less than 60 s left is renewed before it is used', async () => {
  tokens.signedIn(pair('1'));
  http.on('POST /auth/refresh', { body: pair('2') });
  await clock.advance(841_000);
  await api.account.me();
  expect(http.sent('GET /users/me')).toMatchObject([{ token: 'access-2' }]);
  expect(tokens.refresh).toBe('refresh-2');
});

test('many that need a token at once spend the refresh token once', async () => {
  tokens.signedIn(pair('1'));
  tokens.distrust();
  http.on('POST /auth/refresh', { body: pair('2') });
  await Promise.all([api.account.me(), api.account.me(), api.access.renew(), api.access.fresh()]);
  expect(http.sent('POST /auth/refresh')).toHaveLength(1);
});

test('a refused access token is renewed and the request made once more', async () => {
  tokens.signedIn(pair('1'));
  http
    .on('POST /auth/refresh', { body: pair('2') })
    .on('GET /users/me', ({ token }) =>
      token === 'access-2'
        ? { body: { id: 'a' } }
        : { status: 401, body: { code: 'unauthorized' } },
    );
  await expect(api.account.me()).resolves.toEqual({ id: 'a' });
});

test('an answer to a renewal that comes after logging out brings nothing back', async () => {
  tokens.signedIn(pair('1'));
  http.on('POST /auth/refresh', () => {
    tokens.clear();
    return { body: pair('2') };
  });
  await api.access.renew();
  expect([tokens.access, tokens.refresh]).toEqual([null, null]);
});

test('logging in sends no old token', async () => {
  tokens.signedIn(pair('1'));
  http.on('POST /auth/login', { body: { ...pair('2'), user: { id: 'a' } } });
  await api.sessions.logIn('alice', 'secret');
  expect(http.requests).toMatchObject([{ token: null }]);
  expect(tokens.access).toBe('access-2');
});
