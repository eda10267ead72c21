import type { Clock } from 'tailwire-client/clock';
import type { AdminApi, AdminRoom } from 'tailwire-client/wire/api/admin';
import { SearchedList } from '../wire/searched_list';

/** All rooms of the server, also the private ones: all, or those whose names contain a text. */
export class AdminRooms extends SearchedList<AdminRoom> {
  readonly #api: AdminApi;

  constructor(api: AdminApi, clock: Clock) {
    super((wanted, cursor) => api.rooms(wanted, cursor), clock);
    this.#api = api;
  }

  /** Makes a user an owner. Fails with a Problem. */
  async nameOwner(room_id: string, user_id: string): Promise<void> {
    const changed = await this.#api.nameOwner(room_id, user_id);
    this.change((items) => items.map((one) => (one.id === room_id ? changed : one)));
  }

  /** Deletes a room for ever. Fails with a Problem. */
  async delete(room_id: string): Promise<void> {
    await this.#api.deleteRoom(room_id);
    this.change((items) => items.filter(({ id }) => id !== room_id));
  }
}
