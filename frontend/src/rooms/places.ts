import type { RoomsApi } from 'tailwire-client/wire/api/rooms';
import { problemText } from 'tailwire-client/wire/problem';
import type { Place, Room } from 'tailwire-client/wire/protocol';
import type { Freshness } from '../browser/freshness';
import { placeOf, type RoomList } from './room_list';
import type { Rooms } from './rooms';

/** The most characters that the name of a section has. */
export const SECTION_CHARACTERS = 40;

interface PlacesOptions {
  publicRooms: Pick<RoomsApi, 'setPlace'>;
  rooms: Rooms;
  roomList: RoomList;
  freshness: Freshness;
}

/** Puts rooms elsewhere in the user's list. A change is shown at once, and taken back where the server refuses it. */
export class Places {
  readonly #options: PlacesOptions;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  async set(room: Room, change: Partial<Place>): Promise<void> {
    const { publicRooms, roomList, rooms } = this.#options;
    const before = placeOf(room);
    const place = { ...before, ...change };
    roomList.error.value = '';
    this.#put(room.id, place);
    try {
      await publicRooms.setPlace(room.id, place);
    } catch (error) {
      roomList.error.value = problemText(error);
      // Another change may have been made since.
      if (rooms.get(room.id)?.place === place) this.#put(room.id, before);
    }
  }

  /** Puts all rooms of a section into another one, which may be new, or into none. */
  async rename(section: string, name: string | null): Promise<void> {
    const all = [...this.#options.rooms.byId.peek().values()];
    const rooms = all.filter((room) => placeOf(room).section === section);
    await Promise.all(rooms.map((room) => this.set(room, { section: name })));
  }

  #put(room_id: string, place: Place): void {
    const { freshness, rooms } = this.#options;
    freshness.learned(room_id);
    rooms.change(room_id, { place });
  }
}
