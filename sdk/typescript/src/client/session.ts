import type { Clock } from '../clock.ts';
import type { Tokens } from '../wire/protocol.ts';
import type { TokenKeeper } from '../wire/token_keeper.ts';
import { Kept, type Store } from './store.ts';

/** A token of a program lasts until it is ended; so long it counts as fresh. */
const FOR_EVER_MILLISECONDS = 2 ** 31 - 1;

interface Pair {
  refresh_token: string;
}

/** The tokens of a log-in, which renew each other and are kept in a store; or the one token of a program. */
export class Session implements TokenKeeper {
  readonly byCookie = false;
  #access: string | null = null;
  #latest: string | null = null;
  #refresh: string | null = null;
  #signIn = 0;
  #expiresAt = 0;
  #lifetime = 0;
  readonly #clock: Clock;
  readonly #kept: Kept<Pair>;

  constructor(clock: Clock, store: Store) {
    this.#clock = clock;
    this.#kept = new Kept(store, 'session');
  }

  get access(): string | null {
    return this.#access;
  }

  get latest(): string | null {
    return this.#latest;
  }

  get refresh(): string | null {
    return this.#refresh;
  }

  get signIn(): number {
    return this.#signIn;
  }

  get canRenew(): boolean {
    return this.#refresh !== null;
  }

  get isStale(): boolean {
    return this.#access === null || this.renewIn === 0;
  }

  /** Milliseconds until the access token should be renewed. */
  get renewIn(): number {
    const margin = Math.min(60_000, this.#lifetime / 2);
    return Math.max(0, this.#expiresAt - margin - this.#clock.now());
  }

  /** Takes over the session that was kept. Returns whether there was one. */
  async restore(): Promise<boolean> {
    const pair = await this.#kept.read();
    this.#refresh = pair?.refresh_token ?? null;
    return pair !== null;
  }

  /** Uses the token of a program, which cannot be renewed. */
  useProgramToken(token: string): void {
    this.#take({ access_token: token, token_type: 'bearer', expires_in: 0, refresh_token: null });
    this.#lifetime = FOR_EVER_MILLISECONDS;
    this.#expiresAt = this.#clock.now() + FOR_EVER_MILLISECONDS;
  }

  async signedIn(tokens: Tokens): Promise<void> {
    this.#signIn += 1;
    await this.renewed(tokens);
  }

  /** Keeps the new pair before anybody can use it. */
  async renewed(tokens: Tokens): Promise<void> {
    if (tokens.refresh_token !== null)
      await this.#kept.write({ refresh_token: tokens.refresh_token });
    this.#take(tokens);
  }

  alone<T>(task: () => Promise<T>): Promise<T> {
    return task();
  }

  distrust(): void {
    this.#access = null;
  }

  replaced(): void {
    this.#access = null;
  }

  #take(tokens: Tokens): void {
    this.#access = tokens.access_token;
    this.#latest = tokens.access_token;
    this.#refresh = tokens.refresh_token;
    this.#lifetime = tokens.expires_in * 1000;
    this.#expiresAt = this.#clock.now() + this.#lifetime;
  }
}
