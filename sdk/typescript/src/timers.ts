import type { Clock } from './clock.ts';

/** Timers by name. A name has one timer: arming it again starts it over. */
export class Timers {
  readonly #clock: Clock;
  readonly #cancels = new Map<string, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(name: string): boolean {
    return this.#cancels.has(name);
  }

  arm(name: string, milliseconds: number, task: () => void): void {
    this.disarm(name);
    const cancel = this.#clock.after(milliseconds, () => {
      this.#cancels.delete(name);
      task();
    });
    this.#cancels.set(name, cancel);
  }

  /** Whether there was such a timer. */
  disarm(name: string): boolean {
    this.#cancels.get(name)?.();
    return this.#cancels.delete(name);
  }

  disarmAll(): void {
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
  }
}
