import { Api } from 'tailwire-client/wire/api/api';
import { expect, test } from 'vitest';
import { Rights } from '../../src/account/rights';
import { TokenStore } from '../../src/wire/tokens';
import { ManualClock } from '../doubles/manual_clock';
import { ScriptedApi } from '../doubles/scripted_api';

test('who is an administrator is asked, and a failed look changes nothing', async () => {
  const http = new ScriptedApi();
  const tokens = new TokenStore(new ManualClock(), null);
  const expiry = { token_type: 'bearer', expires_in: 900 };
  tokens.signedIn({ access_token: 'a', refresh_token: 'r', ...expiry });
  const rights = new Rights(new Api('https://chat.example/', tokens, http.fetch).account);
  expect(rights.isAdmin.value).toBe(null);
  http.on('GET /users/me', { body: { admin: true } });
  await rights.look();
  expect(rights.isAdmin.value).toBe(true);
  http.on('GET /users/me', { status: 503, body: { code: 'unavailable' } });
  await rights.look();
  expect(rights.isAdmin.value).toBe(true);
  http.on('GET /users/me', { body: { id: 'me' } });
  await rights.look();
  expect(rights.isAdmin.value).toBe(false);
});
