import { signal } from '@preact/signals';
import type { ProgramsApi } from 'tailwire-client/wire/api/programs';
import { problemText } from 'tailwire-client/wire/problem';
import type { MadeToken, Token, TokenTerms } from 'tailwire-client/wire/program_tokens';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import { Freshness } from '../browser/freshness';
import { PagedList } from '../wire/paged_list';

/** The tokens of the user, or of one of their bots. */
export class Tokens {
  readonly items = signal<readonly Token[]>([]);
  readonly state = signal<'loading' | 'loaded' | 'failed'>('loading');
  readonly error = signal('');
  readonly #api: ProgramsApi;
  readonly #of: string | null;
  readonly #freshness = new Freshness();

  constructor(api: ProgramsApi, of: string | null) {
    this.#api = api;
    this.#of = of;
  }

  async load(): Promise<void> {
    this.state.value = 'loading';
    const asked = this.#freshness.ask();
    try {
      const tokens = await this.#api.tokens(this.#of);
      if (!this.#freshness.accepts('list', asked)) return;
      // What was ended since the list was asked for stays away.
      this.items.value = tokens.filter(
        ({ token_id }) => !this.#freshness.isOutdated(token_id, asked),
      );
      this.state.value = 'loaded';
    } catch (error) {
      if (!this.#freshness.accepts('list', asked)) return;
      this.error.value = problemText(error);
      this.state.value = 'failed';
    }
  }

  make(terms: TokenTerms): Promise<MadeToken> {
    return this.#api.makeToken(this.#of, terms);
  }

  async end(token_id: string): Promise<void> {
    await this.#api.endToken(this.#of, token_id);
    this.#freshness.learned(token_id);
    this.items.value = this.items.peek().filter((one) => one.token_id !== token_id);
  }
}

/** The user's bots, and the tokens of programs. Each method fails with a Problem. */
export class Programs {
  readonly #api: ProgramsApi;

  constructor(api: ProgramsApi) {
    this.#api = api;
  }

  bots(): PagedList<PublicUser> {
    return new PagedList((cursor) => this.#api.bots(cursor));
  }

  /** The tokens of a bot, or with null the user's own. */
  tokens(of: string | null): Tokens {
    return new Tokens(this.#api, of);
  }

  makeBot(username: string, display_name: string): Promise<PublicUser> {
    return this.#api.makeBot(username, display_name);
  }

  renameBot(id: string, display_name: string): Promise<PublicUser> {
    return this.#api.renameBot(id, display_name);
  }

  eraseBot(id: string): Promise<void> {
    return this.#api.eraseBot(id);
  }
}
