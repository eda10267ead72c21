import { signal } from '@preact/signals';
import type { Freshness } from '../browser/freshness';
import type { RoomsApi } from '../wire/api/rooms';
import { problemText } from '../wire/problem';
import type { Place, Room } from '../wire/protocol';
import type { Rooms } from './rooms';

const NOWHERE: Place = { favourite: false, section: null, hidden: false };

interface PlacesOptions {
  api: Pick<RoomsApi, 'setPlace'>;
  rooms: Rooms;
  freshness: Freshness;
}

export function placeOf({ place }: Pick<Room, 'place'>): Place {
  return place ?? NOWHERE;
}

/** Where the user keeps each room in their list. A change is shown at once, and taken back where the server refuses it. */
export class Places {
  /** Why the last change was refused. It is empty when it was not. */
  readonly error = signal('');
  readonly #options: PlacesOptions;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  async set(room: Room, change: Partial<Place>): Promise<void> {
    const { api } = this.#options;
    const before = placeOf(room);
    const place = { ...before, ...change };
    this.error.value = '';
    this.told(room.id, place);
    try {
      await api.setPlace(room.id, place);
    } catch (error) {
      this.error.value = problemText(error);
      // Another change may have been made since.
      if (this.#options.rooms.get(room.id)?.place === place) this.told(room.id, before);
    }
  }

  /** It was set here, or in another window. */
  told(room_id: string, place: Place): void {
    const { freshness, rooms } = this.#options;
    freshness.learned(room_id);
    rooms.change(room_id, { place });
  }
}
