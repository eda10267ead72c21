import type { Clock } from '../clock.ts';
import { jitter } from '../wire/backoff.ts';
import { Problem } from '../wire/problem.ts';

const PATIENCE_MILLISECONDS = 60_000;

/** Waits. */
export function pause(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((done) => {
    clock.after(milliseconds, () => done());
  });
}

/**
 * Does what may be done twice, and again while it fails for a time, after the wait that the server asks for. Fails
 * with the last Problem after a minute, or never where `forEver`.
 */
export async function patiently<T>(
  clock: Clock,
  task: () => Promise<T>,
  { forEver = false } = {},
): Promise<T> {
  const until = clock.now() + PATIENCE_MILLISECONDS;
  for (let attempt = 0; ; attempt++) {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof Problem) || !error.temporary) throw error;
      const wait = (error.retryAfterSeconds ?? 0) * 1000 + jitter(attempt, clock);
      if (!forEver && clock.now() + wait > until) throw error;
      await pause(clock, wait);
    }
  }
}
