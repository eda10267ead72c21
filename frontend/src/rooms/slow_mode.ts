import { signal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';

/** Until when the user waits in rooms with slow mode, by the clock of this machine. */
export class SlowMode {
  readonly #clock: Clock;
  readonly #until = signal<ReadonlyMap<string, number>>(new Map());

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The user wrote in the room just now, or the server says how long to wait. */
  wait(room_id: string, seconds: number): void {
    if (seconds > 0)
      this.#until.value = new Map(this.#until.peek()).set(
        room_id,
        this.#clock.now() + seconds * 1000,
      );
  }

  /** How many milliseconds the user still waits in the room. */
  left(room_id: string): number {
    return Math.max(0, (this.#until.value.get(room_id) ?? 0) - this.#clock.now());
  }
}
