import type { Freshness } from '../browser/freshness';
import type { RoomsApi } from '../wire/api/rooms';
import type { Notify } from '../wire/protocol';
import type { Rooms } from './rooms';

interface LevelsOptions {
  api: Pick<RoomsApi, 'setNotify'>;
  rooms: Rooms;
  freshness: Freshness;
}

/** Sets of which messages of a room the user wants to hear. */
export class Levels {
  readonly #options: LevelsOptions;

  constructor(options: LevelsOptions) {
    this.#options = options;
  }

  /** Fails with a Problem. */
  async set(room_id: string, notify: Notify): Promise<void> {
    await this.#options.api.setNotify(room_id, notify);
    this.told(room_id, notify);
  }

  /** It was set here, or in another window. */
  told(room_id: string, notify: Notify): void {
    const { freshness, rooms } = this.#options;
    freshness.learned(room_id);
    rooms.change(room_id, { notify });
  }
}
