import { type Signal, signal } from '@preact/signals';
import type { Position } from '../wire/protocol';
import { startTimeline, type Timeline, trim } from './timeline';

// What a room keeps in memory while nobody looks at it; history brings the rest back.
const KEPT_ENTRIES = 200;

/** One timeline per room of the user. */
export class Timelines {
  readonly #byRoom = new Map<string, Signal<Timeline>>();

  get(room_id: string): Signal<Timeline> | undefined {
    return this.#byRoom.get(room_id);
  }

  /** Starts empty at `position`, unless the room has a timeline of that epoch already. */
  ensure(room_id: string, position: Position): Signal<Timeline> {
    const known = this.#byRoom.get(room_id);
    if (!known) {
      const created = signal(startTimeline(position));
      this.#byRoom.set(room_id, created);
      return created;
    }
    if (known.value.epoch !== position.epoch) known.value = startTimeline(position);
    return known;
  }

  reset(room_id: string, position: Position): void {
    const timeline = this.#byRoom.get(room_id);
    if (timeline) timeline.value = startTimeline(position);
  }

  rest(room_id: string): void {
    const timeline = this.#byRoom.get(room_id);
    if (timeline) timeline.value = trim(timeline.value, KEPT_ENTRIES);
  }

  remove(room_id: string): void {
    this.#byRoom.delete(room_id);
  }
}
