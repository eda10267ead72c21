import { Api } from 'tailwire-client/wire/api/api';
import { expect, test } from 'vitest';
import { mayInvite } from '../../src/rooms/governing';
import { invitesTo } from '../../src/rooms/room_invites';
import { TokenStore } from '../../src/wire/tokens';
import { ManualClock, settled } from '../doubles/manual_clock';
import { ScriptedApi } from '../doubles/scripted_api';
import { AT, makeRoom } from '../make';

const invite = (invite_id: string) => ({
  ...{ invite_id, role: 'member', created_at: AT, expires_at: AT, max_uses: 5, uses_left: 5 },
});

test('an invite is made for a room and listed, its link is given away, and it is ended', async () => {
  const http = new ScriptedApi();
  const tokens = new TokenStore(new ManualClock(), null);
  const expiry = { token_type: 'bearer', expires_in: 900 };
  tokens.signedIn({ access_token: 'a', refresh_token: 'r', ...expiry });
  const api = new Api('https://chat.example/', tokens, http.fetch);
  const invites = invitesTo(api.requests, 'den', 'https://chat.example/');
  const url = 'http://127.0.0.1:8000/#/invite/c0de';
  http
    .on('POST /rooms/den/invites', { status: 201, body: { ...invite('new'), code: 'c0de', url } })
    .on('GET /rooms/den/invites', { body: { items: [invite('new')], next_cursor: null } })
    .on('DELETE /rooms/den/invites/new', { status: 204 });
  const link = await invites.make({ max_uses: 5, expires_in: 60, role: 'reader' });
  expect(link).toBe('https://chat.example/#/invite/c0de');
  expect(http.sent('POST /rooms/den/invites')[0]?.body).toEqual({
    ...{ max_uses: 5, expires_in: 60, role: 'reader' },
  });
  await settled();
  expect(invites.items.value.map(({ invite_id }) => invite_id)).toEqual(['new']);
  await invites.end('new');
  expect(invites.items.value).toEqual([]);
});

test('only owners and moderators are offered to invite, and nobody into a direct room', () => {
  const features = new Set(['invites']);
  const may = (role: 'owner' | 'moderator' | 'member' | 'reader') =>
    mayInvite(makeRoom({ role }), features);
  expect([may('owner'), may('moderator'), may('member'), may('reader')]).toEqual([
    ...[true, true, false, false],
  ]);
  expect(mayInvite(makeRoom({ role: 'owner', kind: 'direct' }), features)).toBe(false);
  expect(mayInvite(makeRoom({ role: 'owner' }), new Set())).toBe(false);
});
