import { type Account, AdminApi } from 'tailwire-client/wire/api/admin';
import { Api } from 'tailwire-client/wire/api/api';
import { expect, test } from 'vitest';
import { Accounts } from '../../src/admin/accounts';
import { Reports } from '../../src/admin/reports';
import { parseHash } from '../../src/browser/router';
import { TokenStore } from '../../src/wire/tokens';
import { ManualClock, settled } from '../doubles/manual_clock';
import { ScriptedApi } from '../doubles/scripted_api';
import { AT } from '../make';

const account = (username: string): Account => ({
  ...{ id: `id-${username}`, username, display_name: username, created_at: AT },
  ...{ admin: false, disabled: false, erasing: false },
});

function made() {
  const http = new ScriptedApi();
  const clock = new ManualClock();
  const tokens = new TokenStore(clock, null);
  const expiry = { token_type: 'bearer', expires_in: 900 };
  tokens.signedIn({ access_token: 'a', refresh_token: 'r', ...expiry });
  let missing = 0;
  const { requests } = new Api('https://chat.example/', tokens, http.fetch);
  const api = new AdminApi(requests, () => missing++);
  const accounts = new Accounts(api, clock);
  return { http, clock, api, accounts, missing: () => missing };
}

test('the list is searched after a pause, and by a state at once', async () => {
  const { http, clock, accounts } = made();
  http.on('GET /admin/users', { body: { items: [account('alice')], next_cursor: null } });
  accounts.look('a');
  accounts.look('al ');
  await clock.advance(249);
  expect(http.sent('GET /admin/users')).toHaveLength(0);
  await clock.advance(1);
  expect(accounts.isFiltered).toBe(true);
  accounts.choose('disabled');
  await settled();
  accounts.choose(null);
  await settled();
  const asked = http.sent('GET /admin/users').map(({ query }) => [...query.entries()]);
  expect(asked).toEqual([
    [
      ['q', 'al'],
      ['limit', '50'],
    ],
    [
      ['q', 'al'],
      ['state', 'disabled'],
      ['limit', '50'],
    ],
    [
      ['q', 'al'],
      ['limit', '50'],
    ],
  ]);
  expect(accounts.items.value.map(({ username }) => username)).toEqual(['alice']);
});

test('what an administrator does is seen in the list at once', async () => {
  const { http, accounts } = made();
  http
    .on('GET /admin/users', { body: { items: [account('alice')], next_cursor: null } })
    .on('PATCH /admin/users/id-alice', { body: { ...account('alice'), admin: true } })
    .on('POST /admin/users', { status: 201, body: account('bob') })
    .on('DELETE /admin/users/id-alice', { status: 204 });
  await accounts.load();
  await accounts.set('id-alice', { admin: true });
  expect(accounts.items.value[0]?.admin).toBe(true);
  await accounts.make({ username: 'bob', password: 'correct horse battery' });
  expect(accounts.items.value.map(({ username }) => username)).toEqual(['bob', 'alice']);
  await accounts.erase(account('alice'));
  expect(accounts.items.value[1]).toMatchObject({ disabled: true, erasing: true });
});

test('an answer that something is missing is told, as the rights may be gone, and no other', async () => {
  const { http, api, missing } = made();
  http
    .on('GET /admin/status', { status: 404, body: { code: 'not_found' } })
    .on('GET /admin/settings', { status: 503, body: { code: 'unavailable' } });
  await expect(api.settings()).rejects.toThrow('unavailable');
  expect(missing()).toBe(0);
  await expect(api.status()).rejects.toThrow('not_found');
  expect(missing()).toBe(1);
});

test('a report that is closed stays in the list, marked', async () => {
  const { http, api } = made();
  const report = { id: 'r', room_id: 'lobby', room_name: 'Lobby', seq: 4, reason: 'spam' };
  const open = { ...report, state: 'open', reporter: null, at: AT };
  http
    .on('GET /admin/reports', { body: { items: [open], next_cursor: null } })
    .on('PATCH /admin/reports/r', ({ body }) => ({ body: { ...open, ...(body as object) } }));
  const reports = new Reports(api);
  reports.choose('open');
  await settled();
  await reports.set('r', 'closed');
  expect(reports.items.value.map(({ state }) => state)).toEqual(['closed']);
  expect(http.sent('GET /admin/reports')[0]?.query.get('state')).toBe('open');
});

test.each([
  ['#/admin', { name: 'admin', page: 'accounts', id: '' }],
  ['#/admin/status', { name: 'admin', page: 'status', id: '' }],
  ['#/admin/audit/a-B_9', { name: 'admin', page: 'audit', id: 'a-B_9' }],
  ['#/admin/audit/a/b', { name: 'home' }],
  ['#/administrator', { name: 'home' }],
])('%s is the place %o', (hash, route) => {
  expect(parseHash(hash)).toEqual(route);
});
