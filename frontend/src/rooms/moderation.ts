import { ModerationApi } from 'tailwire-client/wire/api/moderation';
import type { Position } from 'tailwire-client/wire/protocol';
import type { Requests } from 'tailwire-client/wire/requests';
import { Bans } from './bans';
import { Deletion } from './deletion';

/** What keeps the peace in rooms. Each method that asks the server fails with a Problem. */
export class Moderation {
  readonly #api: ModerationApi;

  constructor(requests: Requests) {
    this.#api = new ModerationApi(requests);
  }

  /** Tells the administrators of a message. */
  report(room_id: string, message: Position, reason: string): Promise<void> {
    return this.#api.report(room_id, message, reason);
  }

  /** Ends a membership, and refuses every way back. Who is no member can be banned as well. */
  ban(room_id: string, user_id: string, reason: string): Promise<void> {
    return this.#api.ban(room_id, user_id, reason);
  }

  bans(room_id: string): Bans {
    return new Bans(this.#api, room_id);
  }

  deletion(): Deletion {
    return new Deletion(this.#api);
  }
}
