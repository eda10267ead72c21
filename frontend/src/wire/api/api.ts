import { Access } from '../access';
import { socketUrl } from '../address';
import { Http } from '../http';
import { Requests } from '../requests';
import type { TokenStore } from '../tokens';
import { AccountApi } from './account';
import { BlocksApi } from './blocks';
import { MembersApi } from './members';
import { MentionsApi } from './mentions';
import { MessagesApi } from './messages';
import { RoomsApi } from './rooms';
import { ServerApi } from './server';
import { SessionsApi } from './sessions';
import { UsersApi } from './users';

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

  constructor(url: string, tokens: TokenStore, fetch: typeof globalThis.fetch) {
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
