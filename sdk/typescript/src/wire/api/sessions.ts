import type { Http } from '../http.ts';
import type { Login, PublicUser, Tokens } from '../protocol.ts';
import type { Requests } from '../requests.ts';
import type { TokenKeeper } from '../token_keeper.ts';

export interface NewAccount {
  username: string;
  password: string;
  display_name?: string;
}

/** Signs users up, in and out, and lists the user's sessions. */
export class SessionsApi {
  readonly #requests: Requests;
  readonly #http: Http;
  readonly #tokens: TokenKeeper;

  constructor(requests: Requests, http: Http, tokens: TokenKeeper) {
    this.#requests = requests;
    this.#http = http;
    this.#tokens = tokens;
  }

  /** `invite` is the code of an invite, where one is needed. */
  signUp(account: NewAccount, invite?: string): Promise<PublicUser> {
    return this.#signIn('auth/signup', { ...account, ...(invite && { invite }) });
  }

  /** Makes the account of the first administrator, with the token of the setup link. */
  setUp(account: NewAccount, token: string): Promise<PublicUser> {
    return this.#signIn('auth/setup', { ...account, token });
  }

  logIn(username: string, password: string): Promise<PublicUser> {
    return this.#signIn('auth/login', { username, password });
  }

  logOut(): Promise<void> {
    return this.#requests.send('POST', 'auth/logout', { session: true, keepalive: true });
  }

  /** The newest first. */
  async list(): Promise<Login[]> {
    return (await this.#requests.get<{ items: Login[] }>('auth/sessions')).items;
  }

  end(id: string): Promise<void> {
    return this.#requests.send('DELETE', `auth/sessions/${encodeURIComponent(id)}`);
  }

  endOthers(): Promise<void> {
    return this.#requests.send('DELETE', 'auth/sessions');
  }

  async #signIn(path: string, body: object): Promise<PublicUser> {
    const answer = await this.#http.exchange<Tokens & { user: PublicUser }>('POST', path, null, {
      body,
      session: true,
    });
    await this.#tokens.signedIn(answer);
    return answer.user;
  }
}
