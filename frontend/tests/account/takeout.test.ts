import { Api } from 'tailwire-client/wire/api/api';
import { Problem } from 'tailwire-client/wire/problem';
import { beforeEach, expect, test } from 'vitest';
import { Takeout } from '../../src/account/takeout';
import { sizeText } from '../../src/browser/sizes';
import { TokenStore } from '../../src/wire/tokens';
import { ManualClock } from '../doubles/manual_clock';
import { ScriptedApi } from '../doubles/scripted_api';

const PAIR = { access_token: 'a', refresh_token: 'r', token_type: 'bearer', expires_in: 900 };
const EXPORT = 'GET /users/me/export';
const WHOLE = '{"type":"account","id":"a"}\n{"type":"end"}\n';

let http: ScriptedApi;
let takeout: Takeout;
let counts: number[];

beforeEach(() => {
  http = new ScriptedApi();
  counts = [];
  const tokens = new TokenStore(new ManualClock(), null);
  tokens.signedIn(PAIR);
  takeout = new Takeout(new Api('https://chat.example/', tokens, http.fetch).account);
});

const fetched = () => takeout.fetch((count) => counts.push(count), new AbortController().signal);

test('the file is fetched with the token, and tells how far it is', async () => {
  http.on(EXPORT, { body: WHOLE });
  expect(await (await fetched()).text()).toBe(WHOLE);
  expect(http.sent(EXPORT)[0]?.token).toBe('a');
  expect(counts.at(-1)).toBe(WHOLE.length);
});

test('a token that was refused is renewed once', async () => {
  http
    .on(EXPORT, ({ token }) =>
      token === 'b' ? { body: WHOLE } : { status: 401, body: { code: 'unauthorized' } },
    )
    .on('POST /auth/refresh', { body: { ...PAIR, access_token: 'b' } });
  expect(await (await fetched()).text()).toBe(WHOLE);
});

test.each([
  ['that broke off', WHOLE.slice(0, 30)],
  ['whose end tells of an error', '{"type":"account"}\n{"type":"error","code":"unavailable"}\n'],
  ['that is empty', ''],
])('a file %s is none', async (_, body) => {
  http.on(EXPORT, { body });
  await expect(fetched()).rejects.toBeInstanceOf(Problem);
});

test('sizes are told in steps of a thousand', () => {
  expect([sizeText(0), sizeText(1), sizeText(340_000), sizeText(1_250_000)]).toEqual([
    '0 kB',
    '1 kB',
    '340 kB',
    '1.3 MB',
  ]);
});
