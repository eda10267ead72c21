import { Problem, type ProblemBody, unreachable } from './problem';
import type {
  HistoryPage,
  Login,
  Member,
  Message,
  Page,
  PublicUser,
  Role,
  Room,
  Tokens,
  Visibility,
} from './protocol';
import { isOfSameSession, type TokenStore } from './tokens';

// A server that accepts and never answers must not leave a spinner for ever.
const REQUEST_TIMEOUT_MILLISECONDS = 20_000;

type Fetch = typeof fetch;
type Query = Record<string, string | number | undefined>;

interface RequestOptions {
  body?: unknown;
  query?: Query;
  /** Signing in and renewing carry no access token. */
  anonymous?: boolean;
  /** Sets, uses or clears the session cookie, if there is one. */
  session?: boolean;
  keepalive?: boolean;
}

/** The address of the API: what config.json says, or the place this page came from. */
export async function readApiUrl(fetch: Fetch, page: string): Promise<string> {
  const own = new URL('/', page).href;
  try {
    const answer = await fetch(new URL('config.json', page), { cache: 'no-cache' });
    if (!answer.ok) return own;
    const { api_url } = (await answer.json()) as { api_url?: unknown };
    if (typeof api_url !== 'string' || api_url === '') return own;
    const url = new URL(api_url.endsWith('/') ? api_url : `${api_url}/`, page);
    return /^https?:$/.test(url.protocol) ? url.href : own;
  } catch {
    return own;
  }
}

/** Every HTTP request of the app; fails with a Problem and nothing else. */
export class Api {
  readonly #url: string;
  readonly #tokens: TokenStore;
  readonly #fetch: Fetch;
  #renewal: Promise<string> | null = null;

  constructor(url: string, tokens: TokenStore, fetch: Fetch) {
    this.#url = url;
    this.#tokens = tokens;
    this.#fetch = fetch;
  }

  get socketUrl(): string {
    const url = new URL('ws/messages', this.#url);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return url.href;
  }

  async signup(username: string, password: string, displayName: string): Promise<PublicUser> {
    const body = { username, password, ...(displayName && { display_name: displayName }) };
    return this.#signIn('auth/signup', body);
  }

  async login(username: string, password: string): Promise<PublicUser> {
    return this.#signIn('auth/login', { username, password });
  }

  async logout(): Promise<void> {
    await this.#request('POST', 'auth/logout', { session: true, keepalive: true });
  }

  me(): Promise<PublicUser> {
    return this.#request('GET', 'users/me');
  }

  rename(displayName: string): Promise<PublicUser> {
    return this.#request('PATCH', 'users/me', { body: { display_name: displayName } });
  }

  changePassword(current: string, next: string): Promise<void> {
    return this.#request('PUT', 'auth/password', {
      body: { current_password: current, new_password: next },
    });
  }

  /** The user's sessions, newest first. */
  async logins(): Promise<Login[]> {
    return (await this.#request<{ items: Login[] }>('GET', 'auth/sessions')).items;
  }

  endLogin(id: string): Promise<void> {
    return this.#request('DELETE', `auth/sessions/${encodeURIComponent(id)}`);
  }

  endOtherLogins(): Promise<void> {
    return this.#request('DELETE', 'auth/sessions');
  }

  eraseMe(password: string): Promise<void> {
    return this.#request('DELETE', 'users/me', { body: { password }, session: true });
  }

  /** Everything of the user as JSON Lines; `onBytes` hears how much has come, for nobody knows how much will. */
  exportMe(onBytes: (count: number) => void, signal: AbortSignal): Promise<Blob> {
    return this.#authorised((token) => this.#download('users/me/export', token, onBytes, signal));
  }

  rooms(scope: 'mine' | 'public', cursor?: string): Promise<Page<Room>> {
    return this.#request('GET', 'rooms', { query: { scope, cursor, limit: 100 } });
  }

  room(id: string): Promise<Room> {
    return this.#request('GET', `rooms/${encodeURIComponent(id)}`);
  }

  createRoom(name: string, visibility: Visibility, topic: string): Promise<Room> {
    return this.#request('POST', 'rooms', { body: { name, visibility, ...(topic && { topic }) } });
  }

  join(id: string): Promise<Room> {
    return this.#request('POST', `rooms/${encodeURIComponent(id)}/join`);
  }

  leave(id: string): Promise<void> {
    return this.#request('POST', `rooms/${encodeURIComponent(id)}/leave`);
  }

  members(id: string, cursor?: string): Promise<Page<Member>> {
    const query = { cursor, limit: 100 };
    return this.#request('GET', `rooms/${encodeURIComponent(id)}/members`, { query });
  }

  setRole(id: string, userId: string, role: Role): Promise<Member> {
    return this.#request('PUT', memberPath(id, userId), { body: { role } });
  }

  removeMember(id: string, userId: string): Promise<void> {
    return this.#request('DELETE', memberPath(id, userId));
  }

  /** Users whose username begins so, in the order of their names: whoever has just this name comes first. */
  findUsers(prefix: string): Promise<Page<PublicUser>> {
    return this.#request('GET', 'users', { query: { q: prefix } });
  }

  history(id: string, before: number, limit: number): Promise<HistoryPage> {
    const query = { before, limit };
    return this.#request('GET', `rooms/${encodeURIComponent(id)}/messages`, { query });
  }

  message(id: string, seq: number): Promise<Message> {
    return this.#request('GET', `rooms/${encodeURIComponent(id)}/messages/${seq}`);
  }

  markRead(id: string, seq: number): Promise<void> {
    return this.#request('PUT', `rooms/${encodeURIComponent(id)}/read`, {
      body: { seq },
      keepalive: true,
    });
  }

  /** An access token with life left in it. */
  freshToken(): Promise<string> {
    const { access, isStale } = this.#tokens;
    return access !== null && !isStale ? Promise.resolve(access) : this.renew();
  }

  /** Spends the refresh token: once, however many ask at the same time. */
  renew(): Promise<string> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renew(): Promise<string> {
    const tokens = this.#tokens;
    const { access: asked, refresh, signIn, latest } = tokens;
    return tokens.alone(async () => {
      const { access, isStale } = tokens;
      // Another tab renewed while we waited for our turn.
      if (access !== null && access !== asked && !isStale) return access;
      if (refresh === null && !tokens.canRenew)
        throw new Problem({ status: 401, code: 'invalid_token' });
      const answer = await this.#request<Tokens>('POST', 'auth/refresh', {
        body: refresh === null ? {} : { refresh_token: refresh },
        anonymous: true,
        session: true,
      });
      // Logged out while the answer was on its way: it must not bring the sign-in back.
      if (tokens.signIn !== signIn) return answer.access_token;
      if (latest !== null && !isOfSameSession(latest, answer.access_token)) {
        tokens.replaced();
        throw unreachable();
      }
      tokens.renewed(answer);
      return answer.access_token;
    });
  }

  async #signIn(path: string, body: object): Promise<PublicUser> {
    const answer = await this.#request<Tokens & { user: PublicUser }>('POST', path, {
      body,
      anonymous: true,
      session: true,
    });
    this.#tokens.signedIn(answer);
    return answer.user;
  }

  async #request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    if (options.anonymous) return this.#exchange(method, path, options, null);
    return this.#authorised((token) => this.#exchange<T>(method, path, options, token));
  }

  /** Tries with a token, and once more with a new one if that was refused. */
  async #authorised<T>(attempt: (token: string) => Promise<T>): Promise<T> {
    const token = await this.freshToken();
    try {
      return await attempt(token);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      if (this.#tokens.access === token) this.#tokens.distrust();
      return attempt(await this.freshToken());
    }
  }

  async #download(
    path: string,
    token: string,
    onBytes: (count: number) => void,
    signal: AbortSignal,
  ): Promise<Blob> {
    const fetch = this.#fetch;
    try {
      const answer = await fetch(new URL(path, this.#url), {
        headers: { Authorization: `Bearer ${token}` },
        credentials: 'same-origin',
        cache: 'no-store',
        signal,
      });
      if (!answer.ok || !answer.body) throw problemOf(answer, parse(await answer.text()));
      const chunks: Uint8Array<ArrayBuffer>[] = [];
      let count = 0;
      const reader = answer.body.getReader();
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        chunks.push(read.value);
        count += read.value.byteLength;
        onBytes(count);
      }
      return new Blob(chunks, { type: answer.headers.get('Content-Type') ?? '' });
    } catch (error) {
      throw error instanceof Problem ? error : unreachable();
    }
  }

  async #exchange<T>(
    method: string,
    path: string,
    options: RequestOptions,
    token: string | null,
  ): Promise<T> {
    const url = new URL(path, this.#url);
    for (const [name, value] of Object.entries(options.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (options.body !== undefined) headers['Content-Type'] = 'application/json';
    if (options.session && this.#tokens.byCookie) headers['X-Tailwire-Session'] = 'cookie';
    const fetch = this.#fetch;
    let answer: Response;
    let text: string;
    try {
      answer = await fetch(url, {
        method,
        headers,
        credentials: 'same-origin',
        cache: 'no-store',
        ...(options.keepalive && { keepalive: true }),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MILLISECONDS),
        ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      });
      text = await answer.text();
    } catch {
      throw unreachable();
    }
    const value = parse(text);
    if (!answer.ok) throw problemOf(answer, value);
    if (value === undefined && answer.status !== 204) throw unreachable();
    return value as T;
  }
}

function memberPath(id: string, userId: string): string {
  return `rooms/${encodeURIComponent(id)}/members/${encodeURIComponent(userId)}`;
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemOf(answer: Response, value: unknown): Problem {
  const body = (typeof value === 'object' && value !== null ? value : {}) as ProblemBody;
  const header = Number(answer.headers.get('Retry-After') ?? Number.NaN);
  const wait = body.retry_after_seconds ?? (Number.isFinite(header) ? header : undefined);
  // A proxy in front of a stopped server answers 502, 503 or 504 with a page of its own.
  const code = body.code ?? (answer.status >= 502 ? 'unavailable' : undefined);
  return new Problem({
    ...body,
    status: answer.status,
    ...(code && { code }),
    ...(wait !== undefined && { retry_after_seconds: wait }),
  });
}
