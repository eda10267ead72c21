import type { SyncOut } from '../generated/http.ts';
import { eventOf, type Position, type ServerEvent } from '../protocol.ts';
import type { Requests } from '../requests.ts';

export type RoomPosition = Position & { room_id: string };

/** What has changed: of each room its entries and `live`, or `reset`, the room with the newest entry first. */
export interface Missed {
  items: ServerEvent[];
  /** Those of the named rooms that the user may not read, or not any more. */
  not_found: string[];
  /** Ask again, with the positions that these items have led to. */
  has_more: boolean;
}

/** What was missed in all rooms of the user. */
export class SyncApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** What has changed since these positions, of at most 500 rooms. `others` adds where the user's other rooms stand. */
  async since(positions: readonly RoomPosition[], others: boolean): Promise<Missed> {
    const body = { positions, others };
    const page = await this.#requests.send<SyncOut>('POST', 'sync', { body });
    return { ...page, items: page.items.flatMap((item) => eventOf({ ...item }) ?? []) };
  }
}
