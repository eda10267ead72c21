import { AdminApi } from '../wire/api/admin.ts';
import { Api } from '../wire/api/api.ts';
import { AvatarsApi } from '../wire/api/avatars.ts';
import { ConsumersApi } from '../wire/api/consumers.ts';
import { FilesApi } from '../wire/api/files.ts';
import { HooksApi } from '../wire/api/hooks.ts';
import { InvitesApi } from '../wire/api/invites.ts';
import { ModerationApi } from '../wire/api/moderation.ts';
import { ProgramsApi } from '../wire/api/programs.ts';
import { RoomInvitesApi } from '../wire/api/room_invites.ts';
import { SearchApi } from '../wire/api/search.ts';
import { SyncApi } from '../wire/api/sync.ts';
import { WebhooksApi } from '../wire/api/webhooks.ts';
import type { TokenKeeper } from '../wire/token_keeper.ts';

/** All requests over HTTP, by noun: those of the page's first load, and the rest. */
export class ClientApi extends Api {
  /** For administrators who logged in. For everybody else it is `not_found`. */
  readonly admin: AdminApi;
  readonly avatars: AvatarsApi;
  readonly files: FilesApi;
  readonly hooks: HooksApi;
  /** Invites to the server, for administrators. */
  readonly invites: InvitesApi;
  readonly moderation: ModerationApi;
  /** Bots, their tokens, and the user's own. */
  readonly programs: ProgramsApi;
  readonly search: SearchApi;
  readonly sync: SyncApi;

  constructor(url: string, tokens: TokenKeeper, fetch: typeof globalThis.fetch) {
    super(url, tokens, fetch);
    this.admin = new AdminApi(this.requests, () => {});
    this.avatars = new AvatarsApi(this.requests, url);
    this.files = new FilesApi(this.requests);
    this.hooks = new HooksApi(this.requests);
    this.invites = new InvitesApi(this.requests);
    this.moderation = new ModerationApi(this.requests);
    this.programs = new ProgramsApi(this.requests);
    this.search = new SearchApi(this.requests);
    this.sync = new SyncApi(this.requests);
  }

  /** The consumers of the user, or of one of their bots. */
  consumers(bot: string | null = null): ConsumersApi {
    return new ConsumersApi(this.requests, bot);
  }

  /** The invites to a room. */
  roomInvites(room_id: string): RoomInvitesApi {
    return new RoomInvitesApi(this.requests, room_id);
  }

  /** The outgoing webhooks of a room. */
  webhooks(room_id: string): WebhooksApi {
    return new WebhooksApi(this.requests, room_id);
  }
}
