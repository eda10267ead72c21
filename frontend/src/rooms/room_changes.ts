import { type AllSettings, settingsOf } from 'tailwire-client/rooms/settings';
import type { RoomsApi } from 'tailwire-client/wire/api/rooms';
import type { Room, RoomSettings } from 'tailwire-client/wire/protocol';
import type { Rooms } from './rooms';

/** Which of the settings `wanted` differ from those of the room. */
export function differing(room: RoomSettings, wanted: Partial<AllSettings>): Partial<AllSettings> {
  const now: Record<string, unknown> = settingsOf(room);
  return Object.fromEntries(Object.entries(wanted).filter(([name, value]) => value !== now[name]));
}

/** Changes the settings of rooms, and deletes rooms. Each method fails with a Problem. */
export class RoomChanges {
  readonly #api: Pick<RoomsApi, 'change' | 'delete'>;
  readonly #rooms: Rooms;

  constructor(api: Pick<RoomsApi, 'change' | 'delete'>, rooms: Rooms) {
    this.#api = api;
    this.#rooms = rooms;
  }

  async save(room_id: string, change: Partial<AllSettings>): Promise<void> {
    this.changed(await this.#api.change(room_id, change));
  }

  /** The server has answered a change with this room. */
  changed(answer: Room): void {
    const known = this.#rooms.get(answer.id);
    // The entry of the change may have come before the answer, and others after it.
    if (known?.epoch === answer.epoch && answer.seq >= known.seq)
      this.#rooms.change(answer.id, settingsOf(answer));
  }

  delete(room_id: string): Promise<void> {
    return this.#api.delete(room_id);
  }
}
