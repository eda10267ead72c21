import type { Clock } from 'tailwire-client/clock';
import type { Tokens } from 'tailwire-client/wire/protocol';
import { isOfSameSession, type TokenKeeper } from 'tailwire-client/wire/token_keeper';
import { openChannel } from '../browser/channel';
import type { Lease } from '../browser/lease';
import type { TextStorage } from '../browser/storage';
import { Turn } from '../browser/turn';

const STORAGE_KEY = 'tailwire.signed_in';
const CHANNEL = 'tailwire.tokens';
const LOCK = 'tailwire.renewal';

/** The messages between the tabs of a browser, which share one cookie. */
export type Notice =
  | { kind: 'signed_in' }
  | { kind: 'signed_out' }
  | { kind: 'renewed'; tokens: Tokens };

/**
 * What is known of the cookie: it is there, or the user has logged out and the server is not told
 * yet, or there is none. Null where nothing is known, as on the first visit or when the browser has
 * cleared its storage. Then there may be a cookie.
 */
type Known = 'here' | 'leaving' | 'out' | null;

/** What the tabs of a browser share. */
export interface Browser {
  /** Keeps what was last known of the cookie, because no script can read the cookie itself. */
  storage: TextStorage;
  channel: BroadcastChannel | null;
  /** Undefined where the page came over plain http. */
  locks: Pick<LockManager, 'request'> | undefined;
  /** What tabs agree by where there are no locks. */
  lease?: Pick<Lease, 'hold'>;
}

/**
 * The only place that knows where tokens are kept. The access token is in memory. The refresh
 * token is in a cookie that no script can read and that all tabs share. Where the API has another
 * origin than this page there is no such cookie, and the refresh token is in memory too.
 */
export class TokenStore implements TokenKeeper {
  /** Another tab signed in, perhaps as another user, or signed out. */
  onSignedIn: () => void = () => {};
  onSignedOut: () => void = () => {};
  #access: string | null = null;
  #latest: string | null = null;
  #refresh: string | null = null;
  #expiresAt = 0;
  #lifetime = 0;
  #signIn = 0;
  // Read once, because the browser may show what another tab stored later than what that tab said.
  #cookie: Known = null;
  readonly #clock: Clock;
  readonly #browser: Browser | null;
  readonly #turn: Turn | null;

  /** `browser` is null where there is no cookie. */
  constructor(clock: Clock, browser: Browser | null) {
    this.#clock = clock;
    this.#browser = browser;
    this.#turn = browser && new Turn(LOCK, browser.locks, browser.lease);
    this.#cookie = knownFrom(browser?.storage.getItem(STORAGE_KEY));
    if (browser?.channel)
      browser.channel.onmessage = ({ data }: MessageEvent<Notice>) => this.#heard(data);
  }

  get byCookie(): boolean {
    return this.#browser !== null;
  }

  get access(): string | null {
    return this.#access;
  }

  /** The newest access token of this sign-in, also when it has expired. */
  get latest(): string | null {
    return this.#latest;
  }

  /** Null where the refresh token is in a cookie. */
  get refresh(): string | null {
    return this.#refresh;
  }

  /** The number of this sign-in among those that this page has seen. */
  get signIn(): number {
    return this.#signIn;
  }

  /** Whether there is a refresh token, or may be one in the cookie. */
  get canRenew(): boolean {
    return this.#refresh !== null || (this.byCookie && this.#cookie !== 'out');
  }

  /** Whether the user is known to have signed in here. */
  get wasSignedIn(): boolean {
    return this.#refresh !== null || this.#cookie === 'here';
  }

  /**
   * Whether the user logged out while the server could not be told. The cookie is still valid then.
   */
  get isLeaving(): boolean {
    return this.#cookie === 'leaving';
  }

  /**
   * A token is stale 60 s before it expires, or after half its life where that is under two
   * minutes, as in tests.
   */
  get isStale(): boolean {
    const margin = Math.min(60_000, this.#lifetime / 2);
    return this.#access === null || this.#clock.now() >= this.#expiresAt - margin;
  }

  /** Milliseconds until the access token should be renewed. */
  get renewIn(): number {
    const margin = Math.min(60_000, this.#lifetime / 2);
    return Math.max(0, this.#expiresAt - margin - this.#clock.now());
  }

  signedIn(tokens: Tokens): void {
    this.#signIn += 1;
    this.#keep(tokens);
    this.#note('here');
    this.#tell({ kind: 'signed_in' });
  }

  renewed(tokens: Tokens): void {
    this.#keep(tokens);
    this.#tell({ kind: 'renewed', tokens });
  }

  /** Runs `task` while no other tab renews. Otherwise two tabs would use the same cookie twice. */
  alone<T>(task: () => Promise<T>): Promise<T> {
    return this.#turn ? this.#turn.take(task) : task();
  }

  /** The server refused the access token, so it is stale now. */
  distrust(): void {
    this.#access = null;
  }

  /** The cookie now belongs to another session, perhaps of another user. */
  replaced(): void {
    this.#forget();
    this.onSignedIn();
  }

  /** The session has ended. */
  clear(): void {
    this.#forget();
    this.#note('out');
  }

  /** The user logs out, in all tabs. `clear` follows when the server knows. */
  leave(): void {
    this.#forget();
    this.#note('leaving');
    this.#tell({ kind: 'signed_out' });
  }

  #forget(): void {
    this.#signIn += 1;
    this.#access = null;
    this.#latest = null;
    this.#refresh = null;
  }

  #keep(tokens: Tokens): void {
    this.#access = tokens.access_token;
    this.#latest = tokens.access_token;
    this.#refresh = tokens.refresh_token;
    this.#lifetime = tokens.expires_in * 1000;
    this.#expiresAt = this.#clock.now() + this.#lifetime;
  }

  #note(cookie: 'here' | 'leaving' | 'out'): void {
    if (!this.#browser) return;
    this.#cookie = cookie;
    this.#browser.storage.setItem(STORAGE_KEY, cookie);
  }

  #tell(notice: Notice): void {
    this.#browser?.channel?.postMessage(notice);
  }

  #heard(notice: Notice): void {
    if (notice.kind === 'renewed') {
      if (this.#latest !== null && isOfSameSession(this.#latest, notice.tokens.access_token))
        this.#keep(notice.tokens);
      return;
    }
    this.#forget();
    this.#cookie = notice.kind === 'signed_in' ? 'here' : 'out';
    if (notice.kind === 'signed_in') this.onSignedIn();
    else this.onSignedOut();
  }
}

function knownFrom(stored: string | null | undefined): Known {
  return stored === 'here' || stored === 'leaving' || stored === 'out' ? stored : null;
}

export function openTokenChannel(): BroadcastChannel | null {
  return openChannel(CHANNEL);
}
