import type { Http } from './http.ts';
import { Problem, unreachable } from './problem.ts';
import type { Tokens } from './protocol.ts';
import { isOfSameSession, type TokenKeeper } from './token_keeper.ts';

/** Provides an access token for requests, and renews it. */
export class Access {
  readonly #http: Http;
  readonly #tokens: TokenKeeper;
  #renewal: Promise<string> | null = null;

  constructor(http: Http, tokens: TokenKeeper) {
    this.#http = http;
    this.#tokens = tokens;
  }

  /** An access token that is still valid for a while. */
  fresh(): Promise<string> {
    const { access, isStale } = this.#tokens;
    return access !== null && !isStale ? Promise.resolve(access) : this.renew();
  }

  /** Another token than the one that was refused. */
  instead(refused: string): Promise<string> {
    return this.#tokens.access === refused ? this.renew() : this.fresh();
  }

  /** Uses the refresh token once, even when several callers ask at the same time. */
  renew(): Promise<string> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  /** Runs a request with a token. If the token is refused, runs it once more with a new one. */
  async use<T>(attempt: (token: string) => Promise<T>): Promise<T> {
    const token = await this.fresh();
    try {
      return await attempt(token);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      if (this.#tokens.access === token) this.#tokens.distrust();
      return attempt(await this.fresh());
    }
  }

  async #renew(): Promise<string> {
    const tokens = this.#tokens;
    const { access: asked, refresh, signIn, latest } = tokens;
    return tokens.alone(async () => {
      const { access, isStale } = tokens;
      // Another tab renewed the token while this one waited.
      if (access !== null && access !== asked && !isStale) return access;
      if (refresh === null && !tokens.canRenew)
        throw new Problem({ status: 401, code: 'unauthorized' });
      const answer = await this.#http.exchange<Tokens>('POST', 'auth/refresh', null, {
        body: refresh === null ? {} : { refresh_token: refresh },
        session: true,
      });
      // The user logged out while the answer was on its way, so it must not sign the user in again.
      if (tokens.signIn !== signIn) return answer.access_token;
      if (latest !== null && !isOfSameSession(latest, answer.access_token)) {
        tokens.replaced();
        throw unreachable();
      }
      await tokens.renewed(answer);
      return answer.access_token;
    });
  }
}
