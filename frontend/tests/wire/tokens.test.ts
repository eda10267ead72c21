import { Api } from 'tailwire-client/wire/api/api';
import { expect, test, vi } from 'vitest';
import { Auth } from '../../src/account/auth';
import { type Notice, TokenStore } from '../../src/wire/tokens';
import { FakeLocks } from '../doubles/fake_locks';
import { ManualClock } from '../doubles/manual_clock';
import { ScriptedApi } from '../doubles/scripted_api';
import { MemoryStorage } from '../make';

const token = (sid: string, name: string) => `head.${btoa(JSON.stringify({ sid, jti: name }))}.sig`;

const pair = (name: string, expires_in = 900, sid = 'alices') => ({
  access_token: token(sid, name),
  refresh_token: `refresh-${name}`,
  token_type: 'bearer',
  expires_in,
});

const inCookie = (name: string, sid?: string) => ({ ...pair(name, 900, sid), refresh_token: null });

const ALICE = { id: 'alice-id', username: 'alice', display_name: 'Alice' };

/** One browser with its storage, locks and cookie, in which tabs are opened. */
class FakeBrowser {
  readonly storage = new MemoryStorage();
  readonly locks = new FakeLocks();
  readonly http = new ScriptedApi().on('GET /users/me', { body: ALICE });
  readonly clock = new ManualClock();
  readonly #channels: Pick<BroadcastChannel, 'onmessage' | 'postMessage'>[] = [];

  open() {
    const channel: Pick<BroadcastChannel, 'onmessage' | 'postMessage'> = {
      onmessage: null,
      postMessage: (data: Notice) => {
        for (const other of this.#channels)
          if (other !== channel) other.onmessage?.call(null as never, { data } as MessageEvent);
      },
    };
    this.#channels.push(channel);
    const tokens = new TokenStore(this.clock, {
      storage: this.storage,
      channel: channel as BroadcastChannel,
      locks: this.locks.makeTab().locks,
    });
    const api = new Api('https://chat.example/', tokens, this.http.fetch);
    const auth = new Auth(api, tokens, this.clock);
    tokens.onSignedOut = () => auth.left();
    return { tokens, api, auth };
  }

  /** Answers every refresh with the next tokens. */
  renews(sid = 'alices'): this {
    let number = 0;
    this.http.on('POST /auth/refresh', () => {
      number += 1;
      return { body: inCookie(String(number), sid) };
    });
    return this;
  }
}

test('neither token is ever kept where a script of another day could read it', () => {
  const browser = new FakeBrowser();
  browser.open().tokens.signedIn(inCookie('1'));
  expect([browser.storage.length, browser.storage.getItem('tailwire.signed_in')]).toEqual([
    1,
    'here',
  ]);
});

test('without a cookie a reload is the end of the sign-in', () => {
  const clock = new ManualClock();
  const tokens = new TokenStore(clock, null);
  tokens.signedIn(pair('1'));
  expect([tokens.refresh, tokens.canRenew]).toEqual(['refresh-1', true]);
  expect(new TokenStore(clock, null).canRenew).toBe(false);
});

test('a token is stale a minute before its end, or half way where it lives shorter', async () => {
  const clock = new ManualClock();
  const tokens = new TokenStore(clock, null);
  tokens.signedIn(pair('1'));
  expect(tokens.renewIn).toBe(840_000);
  await clock.advance(839_000);
  expect(tokens.isStale).toBe(false);
  await clock.advance(1_000);
  expect(tokens.isStale).toBe(true);
  tokens.renewed(pair('2', 10));
  expect(tokens.renewIn).toBe(5_000);
});

test('a reload takes the sign-in up by the cookie, which is asked for and never sent by us', async () => {
  const browser = new FakeBrowser().renews();
  browser.open().tokens.signedIn(inCookie('0'));
  const { auth } = browser.open();
  await auth.restore();
  expect(auth.state.value).toEqual({ phase: 'signed_in', user: ALICE });
  expect(browser.http.sent('POST /auth/refresh')).toMatchObject([{ body: {}, session: 'cookie' }]);
});

test('tabs that need a token at once use the cookie once', async () => {
  const browser = new FakeBrowser().renews();
  const tabs = [browser.open(), browser.open(), browser.open()];
  tabs[0]?.tokens.signedIn(inCookie('0'));
  await vi.waitFor(() => expect(tabs.every(({ tokens }) => tokens.access)).toBe(true));
  const before = browser.http.sent('POST /auth/refresh').length;
  await browser.clock.advance(850_000);
  await Promise.all(tabs.map(({ api }) => api.access.fresh()));
  expect(browser.http.sent('POST /auth/refresh')).toHaveLength(before + 1);
  expect(new Set(tabs.map(({ tokens }) => tokens.access)).size).toBe(1);
});

test('logging out in one tab logs the others out, and tells the server once', async () => {
  const browser = new FakeBrowser().renews();
  browser.http.on('POST /auth/logout', { status: 204 });
  const [one, other] = [browser.open(), browser.open()];
  one.tokens.signedIn(inCookie('0'));
  await vi.waitFor(() => expect(other.auth.state.value.phase).toBe('signed_in'));
  await one.auth.logout();
  for (const { auth, tokens } of [one, other]) {
    expect(auth.state.value).toEqual({ phase: 'signed_out', notice: null });
    expect(tokens.access).toBeNull();
  }
  expect(browser.http.sent('POST /auth/logout')).toMatchObject([{ session: 'cookie' }]);
  expect(browser.storage.getItem('tailwire.signed_in')).toBe('out');
});

test('a log-out that the server did not hear of is made up for at the next visit', async () => {
  const browser = new FakeBrowser().renews();
  const gone = browser.open();
  gone.tokens.signedIn(inCookie('0'));
  browser.http.on('POST /auth/logout', { status: 503, body: { code: 'unavailable' } });
  await gone.auth.logout();
  browser.http.on('POST /auth/logout', { status: 204 });
  const { auth } = browser.open();
  await auth.restore();
  expect(auth.state.value).toEqual({ phase: 'signed_out', notice: null });
  expect(browser.http.sent('POST /auth/logout')).toHaveLength(2);
  expect(browser.storage.getItem('tailwire.signed_in')).toBe('out');
});

test('where the browser has cleared its storage, the cookie is tried once', async () => {
  const browser = new FakeBrowser().renews();
  browser.open().tokens.signedIn(inCookie('0'));
  browser.storage.clear();
  const { auth } = browser.open();
  await auth.restore();
  expect(auth.state.value).toEqual({ phase: 'signed_in', user: ALICE });
});

test('whoever comes for the first time is asked to log in, and the cookie is not tried again', async () => {
  const browser = new FakeBrowser();
  browser.http.on('POST /auth/refresh', { status: 401, body: { code: 'unauthorized' } });
  for (const _ of [1, 2]) {
    const { auth } = browser.open();
    await auth.restore();
    expect(auth.state.value).toEqual({ phase: 'signed_out', notice: null });
  }
  expect(browser.http.sent('POST /auth/refresh')).toHaveLength(1);
});

test('after a log-out the cookie is not tried, even if the server left it', async () => {
  const browser = new FakeBrowser().renews();
  browser.http.on('POST /auth/logout', { status: 204 });
  const one = browser.open();
  one.tokens.signedIn(inCookie('0'));
  await one.auth.logout();
  const { auth } = browser.open();
  await auth.restore();
  expect(auth.state.value).toEqual({ phase: 'signed_out', notice: null });
  expect(browser.http.sent('POST /auth/refresh')).toHaveLength(0);
});

test('a tab that missed that somebody else signed in never goes on as them', async () => {
  const browser = new FakeBrowser().renews('bobs');
  const { api, tokens, auth } = browser.open();
  tokens.signedIn(inCookie('0'));
  tokens.distrust();
  browser.http.on('GET /users/me', { body: { id: 'bob-id', username: 'bob' } });
  await expect(api.access.fresh()).rejects.toMatchObject({ temporary: true });
  expect(auth.state.value).not.toHaveProperty('user');
  await browser.clock.advance(5_000);
  await vi.waitFor(() => expect(auth.state.value).toMatchObject({ user: { id: 'bob-id' } }));
});
