/** Time and random numbers. Tests pass their own clock, so that no test waits. */
export interface Clock {
  /** Milliseconds. Use them only for differences, never against the server's clock. */
  now(): number;
  /** Runs `task` once after `milliseconds`. The returned function cancels it. */
  after(milliseconds: number, task: () => void): () => void;
  /** A number in [0, 1). */
  random(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, task) {
    const timer = setTimeout(task, milliseconds);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
