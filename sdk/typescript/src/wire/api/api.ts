import { Access } from '../access.ts';
import { Http } from '../http.ts';
import { Requests } from '../requests.ts';
import { socketUrl } from '../socket_url.ts';
import type { TokenKeeper } from '../token_keeper.ts';
import { AccountApi } from './account.ts';
import { BlocksApi } from './blocks.ts';
import { MembersApi } from './members.ts';
import { MentionsApi } from './mentions.ts';
import { MessagesApi } from './messages.ts';
import { RoomsApi } from './rooms.ts';
import { ServerApi } from './server.ts';
import { SessionsApi } from './sessions.ts';
import { UsersApi } from './users.ts';

/** All HTTP requests of the page, by noun. Each fails with a Problem only. */
export class Api {
  readonly access: Access;
  /** For the parts of the page that are loaded later. */
  readonly requests: Requests;
  readonly account: AccountApi;
  readonly blocks: BlocksApi;
  readonly members: MembersApi;
  readonly mentions: MentionsApi;
  readonly messages: MessagesApi;
  readonly rooms: RoomsApi;
  readonly server: ServerApi;
  readonly sessions: SessionsApi;
  readonly users: UsersApi;
  readonly socketUrl: string;

  constructor(url: string, tokens: TokenKeeper, fetch: typeof globalThis.fetch) {
    const http = new Http(url, fetch, tokens.byCookie);
    this.access = new Access(http, tokens);
    const requests = new Requests(http, this.access);
    this.requests = requests;
    this.account = new AccountApi(requests);
    this.blocks = new BlocksApi(requests);
    this.members = new MembersApi(requests);
    this.mentions = new MentionsApi(requests);
    this.messages = new MessagesApi(requests);
    this.rooms = new RoomsApi(requests);
    this.server = new ServerApi(http);
    this.sessions = new SessionsApi(requests, http, tokens);
    this.users = new UsersApi(requests);
    this.socketUrl = socketUrl(url);
  }
}
