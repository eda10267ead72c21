import type { Clock } from './clock';
import type { Tokens } from './protocol';

const STORAGE_KEY = 'tailwire.refresh_token';
const CHANNEL = 'tailwire.tokens';

/** What a duplicated tab tells its twin: the refresh token both held has been spent. */
interface Renewal {
  spent: string;
  tokens: Tokens;
}

/**
 * The only place that knows where tokens live: access in memory, refresh in sessionStorage.
 *
 * Duplicating a tab copies sessionStorage, so two tabs may hold one single-use refresh token. Whoever
 * spends it hands the new pair to the other, or its next renewal would end the session of both.
 */
export class TokenStore {
  #access: string | null = null;
  #expiresAt = 0;
  #lifetime = 0;
  #storage: Storage;
  #clock: Clock;
  #channel: BroadcastChannel | null;

  constructor(storage: Storage, clock: Clock, channel: BroadcastChannel | null) {
    this.#storage = storage;
    this.#clock = clock;
    this.#channel = channel;
    if (channel) {
      channel.onmessage = ({ data }: MessageEvent<Renewal>) => {
        if (data.spent === this.refresh) this.#keep(data.tokens);
      };
    }
  }

  get access(): string | null {
    return this.#access;
  }

  get refresh(): string | null {
    return this.#storage.getItem(STORAGE_KEY);
  }

  /** Half the lifetime where tokens live shorter than two minutes, as in tests. */
  get isStale(): boolean {
    const margin = Math.min(60_000, this.#lifetime / 2);
    return this.#access === null || this.#clock.now() >= this.#expiresAt - margin;
  }

  /** Milliseconds until the access token should be renewed. */
  get renewIn(): number {
    const margin = Math.min(60_000, this.#lifetime / 2);
    return Math.max(0, this.#expiresAt - margin - this.#clock.now());
  }

  set(tokens: Tokens): void {
    const spent = this.refresh;
    this.#keep(tokens);
    if (spent) this.#channel?.postMessage({ spent, tokens } satisfies Renewal);
  }

  /** The server refused the access token, whatever its age. */
  distrust(): void {
    this.#access = null;
  }

  clear(): void {
    this.#access = null;
    this.#storage.removeItem(STORAGE_KEY);
  }

  #keep(tokens: Tokens): void {
    this.#access = tokens.access_token;
    this.#lifetime = tokens.expires_in * 1000;
    this.#expiresAt = this.#clock.now() + this.#lifetime;
    this.#storage.setItem(STORAGE_KEY, tokens.refresh_token);
  }
}

export function openTokenChannel(): BroadcastChannel | null {
  return typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(CHANNEL);
}
