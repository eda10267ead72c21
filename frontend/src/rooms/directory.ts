import type { Clock } from 'tailwire-client/clock';
import type { RoomsApi } from 'tailwire-client/wire/api/rooms';
import type { Room } from 'tailwire-client/wire/protocol';
import { SearchedList } from '../wire/searched_list';

/** The public rooms of the server, page by page: all, or those whose names contain a text. */
export class Directory extends SearchedList<Room> {
  constructor(api: RoomsApi, clock: Clock) {
    super((wanted, cursor) => api.list('public', cursor, wanted || undefined), clock);
  }
}
