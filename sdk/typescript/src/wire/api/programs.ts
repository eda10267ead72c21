import type { MadeToken, Token, TokenTerms } from '../program_tokens.ts';
import type { Page, PublicUser } from '../protocol.ts';
import type { Requests } from '../requests.ts';

/** The user's bots, their tokens, and the user's own. `of` is the id of a bot, or null for the user. */
export class ProgramsApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  bots(cursor?: string): Promise<Page<PublicUser>> {
    return this.#requests.get('bots', { cursor, limit: 100 });
  }

  makeBot(username: string, display_name: string): Promise<PublicUser> {
    const body = { username, ...(display_name && { display_name }) };
    return this.#requests.send('POST', 'bots', { body });
  }

  renameBot(id: string, display_name: string): Promise<PublicUser> {
    return this.#requests.send('PATCH', botPath(id), { body: { display_name } });
  }

  eraseBot(id: string): Promise<void> {
    return this.#requests.send('DELETE', botPath(id));
  }

  /** The newest first. */
  async tokens(of: string | null): Promise<Token[]> {
    return (await this.#requests.get<{ items: Token[] }>(tokensPath(of))).items;
  }

  makeToken(of: string | null, terms: TokenTerms): Promise<MadeToken> {
    return this.#requests.send('POST', tokensPath(of), { body: terms });
  }

  endToken(of: string | null, token_id: string): Promise<void> {
    return this.#requests.send('DELETE', `${tokensPath(of)}/${encodeURIComponent(token_id)}`);
  }
}

function botPath(id: string): string {
  return `bots/${encodeURIComponent(id)}`;
}

function tokensPath(of: string | null): string {
  return of === null ? 'auth/tokens' : `${botPath(of)}/tokens`;
}
