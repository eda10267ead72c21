import type { ModerationApi } from 'tailwire-client/wire/api/moderation';
import type { Ban } from 'tailwire-client/wire/bans';
import { PagedList } from '../wire/paged_list';

/** Who may not come back to a room, page by page. */
export class Bans extends PagedList<Ban> {
  readonly #api: ModerationApi;
  readonly #room_id: string;

  constructor(api: ModerationApi, room_id: string) {
    super((cursor) => api.bans(room_id, cursor));
    this.#api = api;
    this.#room_id = room_id;
  }

  /** Fails with a Problem. */
  async end(user_id: string): Promise<void> {
    await this.#api.unban(this.#room_id, user_id);
    this.change((items) => items.filter(({ user }) => user.id !== user_id));
  }
}
