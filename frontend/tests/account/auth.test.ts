import { Api } from 'tailwire-client/wire/api/api';
import { beforeEach, expect, test } from 'vitest';
import { Auth } from '../../src/account/auth';
import { TokenStore } from '../../src/wire/tokens';
import { ManualClock } from '../doubles/manual_clock';
import { ScriptedApi } from '../doubles/scripted_api';

const PAIR = { access_token: 'a', refresh_token: 'r', token_type: 'bearer', expires_in: 900 };
const ALICE = { id: 'alice-id', username: 'alice', display_name: 'Alice' };

let clock: ManualClock;
let http: ScriptedApi;
let tokens: TokenStore;
let auth: Auth;

beforeEach(() => {
  clock = new ManualClock();
  http = new ScriptedApi();
  tokens = new TokenStore(clock, null);
  auth = new Auth(new Api('https://chat.example/', tokens, http.fetch), tokens, clock);
});

test('without a refresh token one starts at the log-in, and nothing is asked', async () => {
  await auth.restore();
  expect(auth.state.value).toEqual({ phase: 'signed_out', notice: null });
  expect(http.requests).toEqual([]);
});

test('a reload takes the sign-in up again', async () => {
  tokens.signedIn(PAIR);
  tokens.distrust();
  http.on('POST /auth/refresh', { body: PAIR }).on('GET /users/me', { body: ALICE });
  await auth.restore();
  expect(auth.state.value).toEqual({ phase: 'signed_in', user: ALICE });
});

test('a server that is away costs no sign-in: it is asked again', async () => {
  tokens.signedIn(PAIR);
  http.on('GET /users/me', { status: 503, body: { code: 'unavailable' } });
  await auth.restore();
  expect(auth.state.value).toEqual({ phase: 'restoring', failed: true });
  http.on('GET /users/me', { body: ALICE });
  await clock.advance(5_000);
  expect(auth.state.value).toMatchObject({ phase: 'signed_in' });
});

test('a refresh token that is refused leads to the log-in with an explanation', async () => {
  tokens.signedIn(PAIR);
  tokens.distrust();
  http.on('POST /auth/refresh', { status: 401, body: { code: 'unauthorized' } });
  await auth.restore();
  expect(auth.state.value).toMatchObject({
    phase: 'signed_out',
    notice: 'Your sign-in has expired. Log in again to go on.',
  });
  expect(tokens.refresh).toBeNull();
});

test('logging out tells the server with the token, and forgets it even if that fails', async () => {
  tokens.signedIn(PAIR);
  http.on('POST /auth/logout', { status: 503, body: {} });
  await auth.logout();
  expect(http.sent('POST /auth/logout')[0]?.token).toBe('a');
  expect(tokens.refresh).toBeNull();
  expect(auth.state.value).toEqual({ phase: 'signed_out', notice: null });
});

test('whose account is deleted is told so at the log-in, and a wrong password changes nothing', async () => {
  http.on('POST /auth/login', { body: { ...PAIR, user: ALICE } });
  await auth.login('alice', 'secret');
  const errors = [{ loc: ['password'], message: 'is wrong' }];
  http.on('DELETE /users/me', { status: 422, body: { code: 'invalid_credentials', errors } });
  await expect(auth.erase('guess')).rejects.toMatchObject({ code: 'invalid_credentials' });
  expect(auth.state.value).toEqual({ phase: 'signed_in', user: ALICE });
  http.on('DELETE /users/me', { status: 204 });
  await auth.erase('secret');
  expect(auth.state.value).toMatchObject({
    phase: 'signed_out',
    notice: expect.stringContaining('deleted'),
  });
  expect(tokens.canRenew).toBe(false);
});
