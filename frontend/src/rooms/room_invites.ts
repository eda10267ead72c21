import { shareable } from '../wire/address';
import { type NewRoomInvite, RoomInvitesApi } from '../wire/api/room_invites';
import { PagedList } from '../wire/paged_list';
import type { Requests } from '../wire/requests';
import type { RoomInvite } from '../wire/room_invites';

/** The invites to one room. */
export class RoomInvites extends PagedList<RoomInvite> {
  readonly #api: RoomInvitesApi;
  readonly #room_id: string;
  readonly #address: string;

  /** `page` is the address of this page without its hash. */
  constructor(requests: Requests, room_id: string, page: string) {
    const api = new RoomInvitesApi(requests);
    super((cursor) => api.list(room_id, cursor));
    this.#api = api;
    this.#room_id = room_id;
    this.#address = page;
  }

  /** Makes an invite, and returns its link, which the server shows only now. */
  async make(wanted: NewRoomInvite): Promise<string> {
    const { url, code } = await this.#api.make(this.#room_id, wanted);
    void this.load();
    return shareable(url, `#/invite/${code}`, this.#address);
  }

  async end(id: string): Promise<void> {
    await this.#api.end(this.#room_id, id);
    this.items.value = this.items.peek().filter(({ invite_id }) => invite_id !== id);
  }
}
