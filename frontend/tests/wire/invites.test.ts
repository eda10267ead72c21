import { Api } from 'tailwire-client/wire/api/api';
import { InvitesApi } from 'tailwire-client/wire/api/invites';
import type { Invite } from 'tailwire-client/wire/protocol';
import { expect, test, vi } from 'vitest';
import { About } from '../../src/account/about';
import { parseHash } from '../../src/browser/router';
import { shareable } from '../../src/wire/address';
import { Invites } from '../../src/wire/invites';
import { TokenStore } from '../../src/wire/tokens';
import { ManualClock } from '../doubles/manual_clock';
import { ScriptedApi } from '../doubles/scripted_api';
import { AT } from '../make';

const PAGE = 'https://chat.example/';

const invite = (invite_id: string): Invite => ({
  ...{ invite_id, admin: false, created_at: AT, expires_at: AT },
  ...{ max_uses: 5, uses_left: 5 },
});

function made() {
  const http = new ScriptedApi();
  const tokens = new TokenStore(new ManualClock(), null);
  const expiry = { token_type: 'bearer', expires_in: 900 };
  tokens.signedIn({ access_token: 'a', refresh_token: 'r', ...expiry });
  const api = new Api(PAGE, tokens, http.fetch);
  const invites = new Invites(new InvitesApi(api.requests), PAGE);
  const shown = () => invites.items.value.map(({ invite_id }) => invite_id);
  return { http, api, invites, shown };
}

test('the list is shown page by page, and what was ended goes', async () => {
  const { http, invites, shown } = made();
  http
    .on('GET /admin/invites', ({ query }) => ({
      body: query.get('cursor')
        ? { items: [invite('old')], next_cursor: null }
        : { items: [invite('new')], next_cursor: 'more' },
    }))
    .on('DELETE /admin/invites/new', { status: 204 });
  await invites.load();
  expect([shown(), invites.hasMore.value]).toEqual([['new'], true]);
  await invites.more();
  expect([shown(), invites.hasMore.value]).toEqual([['new', 'old'], false]);
  await invites.end('new');
  expect(shown()).toEqual(['old']);
});

test('a list that was asked for before an invite was made or ended undoes neither', async () => {
  const { http, invites, shown } = made();
  const answers: ((items: Invite[]) => void)[] = [];
  http
    .on('GET /admin/invites', async () => {
      const items = await new Promise<Invite[]>((resolve) => answers.push(resolve));
      return { body: { items, next_cursor: null } };
    })
    .on('POST /admin/invites', {
      status: 201,
      body: { ...invite('made'), code: 'c0de', url: 'https://chat.example/#/invite/c0de' },
    })
    .on('DELETE /admin/invites/ended', { status: 204 });
  const loading = invites.load();
  const link = await invites.make({ max_uses: 5, expires_in: 60, admin: false });
  await invites.end('ended');
  await vi.waitFor(() => expect(answers).toHaveLength(1));
  answers[0]?.([invite('ended'), invite('old')]);
  await loading;
  expect(link).toBe('https://chat.example/#/invite/c0de');
  expect(shown()).toEqual(['made', 'old']);
});

test.each([
  ['https://chat.example/#/invite/c', PAGE, 'https://chat.example/#/invite/c'],
  [
    'http://127.0.0.1:8000/#/invite/c',
    'http://127.0.0.1:8000/',
    'http://127.0.0.1:8000/#/invite/c',
  ],
  ['http://127.0.0.1:8000/#/invite/c', 'http://10.0.0.5:8000/', 'http://10.0.0.5:8000/#/invite/c'],
  ['http://[::1]:8000/#/invite/c', 'https://a.example/chat/', 'https://a.example/chat/#/invite/c'],
])('%s made on a page at %s is given away as %s', (url, page, link) => {
  expect(shareable(url, '#/invite/c', page)).toBe(link);
});

test('an old server, which does not say who may sign up, lets everybody', async () => {
  const { http, api } = made();
  const about = new About(api.server);
  await about.load();
  expect(about.server.value?.signup).toBe('open');
  const known = new About(api.server);
  http.on('GET /server', { body: { name: 'Den', version: '1', signup: 'invite' } });
  await known.load();
  expect(known.server.value).toMatchObject({ name: 'Den', signup: 'invite' });
});

test('an invite of an old server leads to the server, and one that is not valid nowhere', async () => {
  const { http, api } = made();
  const about = new About(api.server);
  http.on('GET /invites/c0de', { status: 404, body: { status: 404, code: 'not_found' } });
  expect(await about.invitation('c0de')).toMatchObject({ room_name: null });
  http.on('GET /invites/c0de', { status: 422, body: { status: 422, code: 'bad_invite' } });
  await expect(about.invitation('c0de')).rejects.toMatchObject({ code: 'bad_invite' });
});

test.each([
  ['#/invite/a-B_9', { name: 'invite', code: 'a-B_9' }],
  ['#/setup/a-B_9', { name: 'setup', token: 'a-B_9' }],
  ['#/invite/', { name: 'home' }],
  ['#/invite/a/b', { name: 'home' }],
  [`#/setup/${'x'.repeat(65)}`, { name: 'home' }],
])('%s is the place %o', (hash, route) => {
  expect(parseHash(hash)).toEqual(route);
});
