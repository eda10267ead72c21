import type { Clock } from '../clock.ts';
import type { RoomPosition, SyncApi } from '../wire/api/sync.ts';
import { Problem } from '../wire/problem.ts';
import type { Position, ServerEvent } from '../wire/protocol.ts';

/** With positions in so many rooms it is worth a request of its own. */
const MANY_ROOMS = 20;
/** A request names at most so many rooms. */
const MOST_ROOMS = 500;
/** After a shorter absence the client only subscribes, as little was missed. */
const LONG_MILLISECONDS = 60_000;

interface AbsenceOptions {
  clock: Clock;
  sync: SyncApi;
  position(room_id: string): Position | undefined;
  /** Whether the room waits to be subscribed to. */
  isWaiting(room_id: string): boolean;
  /** An event of such a room, which moves its position. */
  take(event: ServerEvent): void;
}

/**
 * Tells what was missed in many rooms, the newest room first, before they are subscribed to. What it does not bring, the
 * subscriptions do: so it may fail.
 */
export class Absence {
  readonly #options: AbsenceOptions;
  #leftAt: number | null = null;

  constructor(options: AbsenceOptions) {
    this.#options = options;
  }

  /** The connection was lost. */
  began(): void {
    this.#leftAt ??= this.#options.clock.now();
  }

  /** The client connects again. Tells what was missed if it was away for long. */
  async ends(room_ids: Iterable<string>): Promise<void> {
    const since = this.#leftAt;
    if (since !== null && this.#options.clock.now() - since >= LONG_MILLISECONDS)
      await this.tell(room_ids);
  }

  /** The client is connected. */
  ended(): void {
    this.#leftAt = null;
  }

  /** Tells what was missed in these rooms, if they are many. */
  async tell(room_ids: Iterable<string>): Promise<void> {
    const rooms = [...room_ids].filter((room_id) => this.#options.position(room_id));
    if (rooms.length < MANY_ROOMS) return;
    try {
      for (let at = 0; at < rooms.length; at += MOST_ROOMS)
        await this.#tell(rooms.slice(at, at + MOST_ROOMS));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }

  async #tell(rooms: string[]): Promise<void> {
    const { sync, isWaiting, take } = this.#options;
    for (;;) {
      const before = this.#named(rooms);
      if (before.length === 0) return;
      const { items, has_more } = await sync.since(before, false);
      for (const event of items) {
        // `live` comes of the subscription.
        if (event.type === 'live' || !('room_id' in event) || event.room_id == null) continue;
        if (isWaiting(event.room_id)) take(event);
      }
      if (!has_more || !this.#hasMoved(before)) return;
    }
  }

  #named(rooms: string[]): RoomPosition[] {
    const { position, isWaiting } = this.#options;
    return rooms.flatMap((room_id) => {
      const at = position(room_id);
      return at && isWaiting(room_id) ? [{ room_id, epoch: at.epoch, seq: at.seq }] : [];
    });
  }

  #hasMoved(before: RoomPosition[]): boolean {
    return before.some(({ room_id, epoch, seq }) => {
      const at = this.#options.position(room_id);
      return at?.epoch !== epoch || at.seq !== seq;
    });
  }
}
