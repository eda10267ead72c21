import { computed, effect, type ReadonlySignal, signal, untracked } from '@preact/signals';
import { systemClock } from 'tailwire-client/clock';
import { Api } from 'tailwire-client/wire/api/api';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import { About } from './account/about';
import { Auth } from './account/auth';
import { watchFocus, watchVisibility } from './browser/attention';
import { openChannel } from './browser/channel';
import { Lazy } from './browser/lazy';
import { LazyParts } from './browser/lazy_parts';
import { Lease } from './browser/lease';
import { Now } from './browser/now';
import { messageHash, Router } from './browser/router';
import type { Signs } from './browser/signs';
import { type Keeping, SafeStorage } from './browser/storage';
import { Tab } from './browser/tab';
import { Theme } from './browser/theme';
import { titleText } from './browser/title';
import { Turn } from './browser/turn';
import type { Catalogue } from './emoji/catalogue';
import { RecentEmoji } from './emoji/recent';
import type { Formatter } from './formatting/formatter';
import type { highlight } from './formatting/highlight';
import { unreadIn } from './rooms/level';
import type { NoticeDesk } from './rooms/notifying';
import { IndexedOutboxStore } from './rooms/outbox_store';
import { createSession, type Session } from './session';
import { readApiUrl } from './wire/address';
import { Build } from './wire/build';
import { openTokenChannel, TokenStore } from './wire/tokens';

/** The parts that the views may use. They are put together only here. */
export interface App {
  about: About;
  auth: Auth;
  session: ReadonlySignal<Session | null>;
  router: Router;
  theme: Theme;
  /** Whether the browser keeps what the page stores. */
  keeping: ReadonlySignal<Keeping>;
  build: Build;
  now: Now;
  /** The views that are not needed for the first picture. */
  parts: LazyParts;
  /** What the page shows outside itself. Loaded after the first picture. */
  signs: Lazy<Signs>;
  /** All emoji with their names. Loaded when a view first needs them. */
  emoji: Lazy<Catalogue>;
  recentEmoji: RecentEmoji;
  /** Reads the markup of messages. Loaded with the first that has any. */
  formatter: Lazy<Formatter>;
  highlight: Lazy<typeof highlight>;
  logout(): void;
  /** Erases the account. Fails with a Problem. */
  erase(password: string): Promise<void>;
}

export async function createApp(window: Window & typeof globalThis): Promise<App> {
  const { document, navigator } = window;
  const localStorage = new SafeStorage(() => window.localStorage);
  const sessionStorage = new SafeStorage(() => window.sessionStorage);
  const fetch = window.fetch.bind(window);
  const clock = systemClock;
  const now = new Now(clock);
  const theme = new Theme(localStorage, document.documentElement);
  const locks = navigator.locks as LockManager | undefined;
  const page = window.location.href.split('#')[0] ?? '';
  const apiUrl = await readApiUrl(fetch, page);
  const isOwn = new URL(apiUrl).origin === window.location.origin;
  // Where cookies are blocked the sign-in lasts as long as the page. Chromium says that they are
  // enabled also then, but blocks them together with the storage.
  const takesCookies = navigator.cookieEnabled && localStorage.keeping.peek() !== 'blocked';
  const byCookie = isOwn && takesCookies;
  const lease = new Lease('renewal', makeRef(window.crypto), clock);
  const tokens = new TokenStore(
    clock,
    byCookie ? { storage: localStorage, channel: openTokenChannel(), locks, lease } : null,
  );
  const api = new Api(apiUrl, tokens, fetch);
  const about = new About(api.server);
  const auth = new Auth(api, tokens, clock);
  const router = new Router(window);
  const script = document.querySelector('script[type=module][src]')?.getAttribute('src') ?? null;
  const build = new Build(fetch, page, script);
  const focused = watchFocus(window);
  const visible = watchVisibility(document);
  const session = signal<Session | null>(null);
  const emoji = new Lazy(async () => new (await import('./emoji/catalogue')).Catalogue());
  const formatter = new Lazy(async () => new (await import('./formatting/formatter')).Formatter());
  const colours = new Lazy(async () => (await import('./formatting/highlight')).highlight);
  const recentEmoji = new RecentEmoji(localStorage);
  const parts = new LazyParts();
  const signs = parts.of(
    async () => new (await import('./browser/signs')).Signs(window, localStorage),
  );
  const desk: NoticeDesk = {
    isOpen: () => signs.loaded?.isOpen ?? false,
    withText: () => signs.loaded?.settings.value.withText ?? false,
    tell: (notice) => signs.loaded?.tell(notice),
    open: (room_id, seq) => router.go(messageHash(room_id, seq)),
  };

  const tab = new Tab({
    storage: sessionStorage,
    locks,
    clock,
    makeId: () => makeRef(window.crypto),
  });
  const turn = new Turn(
    'tailwire.notices',
    locks,
    new Lease('notices', makeRef(window.crypto), clock),
  );
  const outboxStore = new IndexedOutboxStore(tab);

  const sessionOf = ({ id }: PublicUser) =>
    createSession({
      user_id: id,
      api,
      page,
      clock,
      outboxStore,
      tab,
      focused,
      visible,
      readChannel: openChannel(`tailwire.read.${id}`),
      desk,
      shared: { storage: localStorage, turn },
      token: (refused) =>
        refused === undefined ? api.access.fresh() : api.access.instead(refused),
      renewIn: () => tokens.renewIn,
      WebSocket: window.WebSocket,
      isOnline: () => navigator.onLine,
      makeRef: () => makeRef(window.crypto),
      onEnded: (text) => (text === null ? auth.expire() : auth.end(text)),
    });

  effect(() => {
    const state = auth.state.value;
    untracked(() => {
      const user = state.phase === 'signed_in' ? state.user : null;
      if (session.value?.user_id !== user?.id) {
        session.value?.stop();
        session.value = user ? sessionOf(user) : null;
        session.value?.start();
      }
      if (user) session.value?.names.learn(user.id, user.display_name, user.avatar);
    });
  });

  effect(() => {
    const { value: route } = router.route;
    session.value?.membership.open(route.name === 'room' ? route.id : null);
  });

  effect(() => {
    const { rooms, titles } = session.value ?? {};
    const { value: route } = router.route;
    const room = route.name === 'room' ? rooms?.get(route.id) : undefined;
    const place = room ? (titles?.of(room) ?? null) : null;
    const count = rooms ? unreadIn(rooms.byId.value.values(), now.minute.value) : 0;
    document.title = titleText(place, count);
    signs.loaded?.count(count);
  });

  // After an interruption the server may serve a newer build of this page, and what could not be
  // loaded may be there.
  effect(() => {
    if (!session.value?.connection.isLive) return;
    void build.check();
    untracked(() => {
      for (const part of [emoji, formatter, colours, parts]) part.again();
    });
  });

  window.addEventListener('offline', () => session.value?.connection.browserOffline());
  window.addEventListener('online', () => session.value?.connection.tryNow());
  // A page that slept, was frozen or was kept for "back" may hold a dead connection.
  const woke = () => {
    now.look();
    session.value?.connection.woke();
  };
  document.addEventListener('resume', woke);
  window.addEventListener('pageshow', ({ persisted }) => {
    if (persisted) woke();
  });
  window.addEventListener('storage', ({ key }) => session.value?.drafts.heard(key));
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') woke();
    // The page may end now. What failed before is told again when it is looked at.
    session.value?.reading.flush();
  });

  tokens.onSignedOut = () => {
    session.value?.drafts.forget();
    recentEmoji.forget();
    auth.left();
  };
  void auth.restore();
  return {
    about,
    auth,
    session,
    router,
    theme,
    keeping: computed(() => worst(takesCookies, localStorage, sessionStorage)),
    build,
    now,
    parts,
    signs,
    emoji,
    recentEmoji,
    formatter,
    highlight: colours,
    logout() {
      session.value?.reading.flush();
      session.value?.forget();
      recentEmoji.forget();
      router.replace('#/');
      void auth.logout();
    },
    async erase(password) {
      // The server may end the session before it answers, so the session is remembered.
      const erased = session.value;
      await auth.erase(password);
      erased?.forget();
      recentEmoji.forget();
      router.replace('#/');
    },
  };
}

function worst(cookies: boolean, ...storages: SafeStorage[]): Keeping {
  const all = storages.map(({ keeping }) => keeping.value);
  if (!cookies || all.includes('blocked')) return 'blocked';
  return all.includes('full') ? 'full' : 'kept';
}

/** 128 random bits. `crypto.randomUUID` is missing where the page came over plain http. */
function makeRef(crypto: Crypto): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
