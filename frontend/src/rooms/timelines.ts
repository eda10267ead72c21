import { type Signal, signal } from '@preact/signals';
import { startTimeline, type Timeline } from 'tailwire-client/rooms/timeline';
import type { Position } from 'tailwire-client/wire/protocol';
import { trim } from './extent';

// A room that is not open keeps so many entries. History loads the others again.
const KEPT_ENTRIES = 200;
// Dropping at each entry would copy all of them at each.
const SLACK_ENTRIES = 200;

/** The timelines of the user's rooms. */
export class Timelines {
  readonly #byRoom = new Map<string, Signal<Timeline>>();

  get(room_id: string): Signal<Timeline> | undefined {
    return this.#byRoom.get(room_id);
  }

  /**
   * Returns the room's timeline. It starts empty at `position` unless there is one of that epoch.
   */
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

  /** Begins again at `position` where the timeline is behind it. */
  catchUp(room_id: string, position: Position): void {
    const timeline = this.#byRoom.get(room_id);
    if (timeline && timeline.value.seq < position.seq) timeline.value = startTimeline(position);
  }

  /** The room is left. */
  rest(room_id: string): void {
    const timeline = this.#byRoom.get(room_id);
    if (timeline) timeline.value = trim(timeline.value, KEPT_ENTRIES);
  }

  /** An entry has come to a room that is not open. */
  grew(room_id: string): void {
    const length = this.#byRoom.get(room_id)?.peek().entries.length ?? 0;
    if (length > KEPT_ENTRIES + SLACK_ENTRIES) this.rest(room_id);
  }

  remove(room_id: string): void {
    this.#byRoom.delete(room_id);
  }
}
