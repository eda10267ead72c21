import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';

const MINUTE_MILLISECONDS = 60_000;

/**
 * The time as the page shows it. What depends on it, such as "Today" and "5 minutes ago", is drawn
 * again when it moves. Timers stop while a machine sleeps, so call `look` when the page wakes.
 */
export class Now {
  /** The beginning of the current minute. */
  readonly minute: ReadonlySignal<Date>;
  /** The beginning of the current day, in the reader's time zone. */
  readonly today: ReadonlySignal<Date>;
  readonly #minute: { value: number };
  readonly #clock: Clock;
  #cancel: () => void = () => {};

  constructor(clock: Clock) {
    const minute = signal(0);
    this.#clock = clock;
    this.#minute = minute;
    this.minute = computed(() => new Date(minute.value));
    const today = computed(() => new Date(minute.value).setHours(0, 0, 0, 0));
    this.today = computed(() => new Date(today.value));
    this.look();
  }

  look(): void {
    this.#cancel();
    const passed = this.#clock.now() % MINUTE_MILLISECONDS;
    this.#minute.value = this.#clock.now() - passed;
    this.#cancel = this.#clock.after(MINUTE_MILLISECONDS - passed, () => this.look());
  }
}
