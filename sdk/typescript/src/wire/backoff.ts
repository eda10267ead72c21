import type { Clock } from '../clock.ts';

const BASE_MILLISECONDS = 500;
const CEILING_MILLISECONDS = 30_000;

/**
 * Full jitter: random(0, min(30 s, 0.5 s * 2^attempt)). Clients that were cut off together do not
 * return together.
 */
export function jitter(attempt: number, clock: Clock): number {
  const ceiling = Math.min(CEILING_MILLISECONDS, BASE_MILLISECONDS * 2 ** Math.min(attempt, 16));
  return clock.random() * ceiling;
}
