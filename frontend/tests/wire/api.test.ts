import { beforeEach, describe, expect, test } from 'vitest';
import { Api, readApiUrl } from '../../src/wire/api';
import { Problem } from '../../src/wire/problem';
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

describe('tokens', () => {
  test('a request carries the access token in the header, never in the address', async () => {
    tokens.signedIn(pair('1'));
    await api.me();
    expect(http.requests).toMatchObject([{ token: 'access-1' }]);
    expect(http.requests[0]?.query.toString()).toBe('');
  });

  test('a token with less than 60 s left is renewed before it is used', async () => {
    tokens.signedIn(pair('1'));
    http.on('POST /auth/refresh', { body: pair('2') });
    await clock.advance(841_000);
    await api.me();
    expect(http.sent('GET /users/me')).toMatchObject([{ token: 'access-2' }]);
    expect(tokens.refresh).toBe('refresh-2');
  });

  test('many that need a token at once spend the refresh token once', async () => {
    tokens.signedIn(pair('1'));
    tokens.distrust();
    http.on('POST /auth/refresh', { body: pair('2') });
    await Promise.all([api.me(), api.me(), api.renew(), api.freshToken()]);
    expect(http.sent('POST /auth/refresh')).toHaveLength(1);
  });

  test('a refused access token is renewed and the request made once more', async () => {
    tokens.signedIn(pair('1'));
    http
      .on('POST /auth/refresh', { body: pair('2') })
      .on('GET /users/me', ({ token }) =>
        token === 'access-2'
          ? { body: { id: 'a' } }
          : { status: 401, body: { code: 'invalid_token' } },
      );
    await expect(api.me()).resolves.toEqual({ id: 'a' });
  });

  test('an answer to a renewal that comes after logging out brings nothing back', async () => {
    tokens.signedIn(pair('1'));
    http.on('POST /auth/refresh', () => {
      tokens.clear();
      return { body: pair('2') };
    });
    await api.renew();
    expect([tokens.access, tokens.refresh]).toEqual([null, null]);
  });

  test('logging in sends no old token', async () => {
    tokens.signedIn(pair('1'));
    http.on('POST /auth/login', { body: { ...pair('2'), user: { id: 'a' } } });
    await api.login('alice', 'secret');
    expect(http.requests).toMatchObject([{ token: null }]);
    expect(tokens.access).toBe('access-2');
  });
});

describe('failures', () => {
  const failure = async () =>
    api.me().then(
      () => expect.unreachable('it succeeded'),
      (error: unknown) => error,
    );

  beforeEach(() => tokens.signedIn(pair('1')));

  test('a problem keeps its code, its wait and its fields', async () => {
    http.on('GET /users/me', {
      status: 422,
      body: { code: 'invalid', errors: [{ loc: ['body', 'username'], message: 'is too short' }] },
    });
    const problem = (await failure()) as Problem;
    expect(problem.code).toBe('invalid');
    expect(problem.fields.get('username')).toBe('Is too short.');
  });

  test('no network is a Problem that says unreachable', async () => {
    http.on('GET /users/me', () => {
      throw new TypeError('Failed to fetch');
    });
    expect(await failure()).toMatchObject({ status: 0, code: 'unreachable', temporary: true });
  });

  test('a proxy page instead of an answer is an unavailable server', async () => {
    http.on('GET /users/me', { status: 502, body: '<html>', headers: { 'Retry-After': '7' } });
    expect(await failure()).toMatchObject({ code: 'unavailable', retryAfterSeconds: 7 });
  });

  test('a page that answers 200 where JSON should be is no answer', async () => {
    http.on('GET /users/me', { body: '<!doctype html>' });
    expect(await failure()).toBeInstanceOf(Problem);
  });
});

describe('the address of the API', () => {
  const page = 'https://static.example/chat/index.html';
  const read = (body: unknown, status = 200) =>
    readApiUrl(new ScriptedApi().on('GET /chat/config.json', { body, status }).fetch, page);

  test('is where the page came from, unless config.json says otherwise', async () => {
    expect(await read({ api_url: '' })).toBe('https://static.example/');
    expect(await read('', 404)).toBe('https://static.example/');
    expect(await read('<html>')).toBe('https://static.example/');
  });

  test('is what config.json says, with or without a slash at its end', async () => {
    expect(await read({ api_url: 'https://api.example' })).toBe('https://api.example/');
    expect(await read({ api_url: 'https://api.example/v1' })).toBe('https://api.example/v1/');
  });

  test('is never another scheme', async () => {
    expect(await read({ api_url: 'javascript:alert(1)' })).toBe('https://static.example/');
  });

  test('gives the WebSocket its scheme', () => {
    expect(api.socketUrl).toBe('wss://chat.example/ws/messages');
    expect(new Api('http://127.0.0.1:8000/', tokens, http.fetch).socketUrl).toBe(
      'ws://127.0.0.1:8000/ws/messages',
    );
  });
});
