import type { Clock } from 'tailwire-client/clock';
import type { RoomsApi } from 'tailwire-client/wire/api/rooms';
import type { Notify } from 'tailwire-client/wire/protocol';
import type { Freshness } from '../browser/freshness';
import { notifyOf } from './level';
import type { Rooms } from './rooms';

interface LevelsOptions {
  api: Pick<RoomsApi, 'setNotify'>;
  clock: Pick<Clock, 'now'>;
  rooms: Rooms;
  freshness: Freshness;
}

/** Sets of which messages of a room the user wants to hear. */
export class Levels {
  readonly #options: LevelsOptions;

  constructor(options: LevelsOptions) {
    this.#options = options;
  }

  /** Changes what is set for a room at this moment. Fails with a Problem. */
  async change(room_id: string, change: Partial<Notify>): Promise<void> {
    const { api, clock, rooms } = this.#options;
    const { level, muted_until } = notifyOf(rooms.byId.peek().get(room_id) ?? {});
    // The server takes no time that has passed.
    const isPast = muted_until !== null && Date.parse(muted_until) <= clock.now();
    const notify = { level, muted_until: isPast ? null : muted_until, ...change };
    await api.setNotify(room_id, notify);
    this.told(room_id, notify);
  }

  /** It was set here, or in another window. */
  told(room_id: string, notify: Notify): void {
    const { freshness, rooms } = this.#options;
    freshness.learned(room_id);
    rooms.change(room_id, { notify });
  }
}
