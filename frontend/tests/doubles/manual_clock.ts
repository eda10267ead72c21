import type { Clock } from 'tailwire-client/clock';

/** A clock that moves only when the test says so. Its random numbers are always the same. */
export class ManualClock implements Clock {
  chance = 0.5;
  #now = 1_000_000;
  #tasks: { at: number; task: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.chance;
  }

  after(milliseconds: number, task: () => void): () => void {
    const entry = { at: this.#now + milliseconds, task };
    this.#tasks.push(entry);
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== entry);
    };
  }

  /** How many timers are armed. */
  get armed(): number {
    return this.#tasks.length;
  }

  /** Moves on and runs the timers that are due, in order. Promises settle after each. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settled();
    for (;;) {
      const next = [...this.#tasks].sort((a, b) => a.at - b.at)[0];
      if (!next || next.at > end) break;
      this.#now = Math.max(this.#now, next.at);
      this.#tasks = this.#tasks.filter((other) => other !== next);
      next.task();
      await settled();
    }
    this.#now = end;
  }

  /** Time passes without timers, as while a machine sleeps. */
  jump(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Time passes without timers, as in a frozen page. Afterwards the overdue timers run. */
  async sleep(milliseconds: number): Promise<void> {
    this.jump(milliseconds);
    await this.advance(0);
  }
}

/** Lets every promise that can settle do so. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
