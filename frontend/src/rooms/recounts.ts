import type { Clock } from 'tailwire-client/clock';
import { findEntry, recounted } from 'tailwire-client/rooms/timeline';
import { Timers } from 'tailwire-client/timers';
import type { MessagesApi } from 'tailwire-client/wire/api/messages';
import { jitter } from 'tailwire-client/wire/backoff';
import type { Timelines } from './timelines';

// Everybody who looks at the room may have to ask, so they do not all ask at once.
const PAUSE_MILLISECONDS = 1_000;
const SPREAD_ATTEMPT = 3;
const MOST_ATTEMPTS = 5;

interface RecountsOptions {
  messages: Pick<MessagesApi, 'get'>;
  timelines: Pick<Timelines, 'get'>;
  clock: Clock;
}

/**
 * Asks the server again for the reactions and replies of messages where this page may have counted wrongly.
 * While more of them come, it asks less and less often.
 */
export class Recounts {
  readonly #options: RecountsOptions;
  readonly #timers: Timers;
  /** How often each message was asked for, one time after the other. */
  readonly #attempts = new Map<string, number>();

  constructor(options: RecountsOptions) {
    this.#options = options;
    this.#timers = new Timers(options.clock);
  }

  want(room_id: string, seq: number): void {
    const key = `${room_id} ${seq}`;
    if (this.#timers.has(key)) return;
    const attempts = Math.min(this.#attempts.get(key) ?? 0, MOST_ATTEMPTS);
    const spread = jitter(SPREAD_ATTEMPT + attempts, this.#options.clock);
    const wait = PAUSE_MILLISECONDS * 2 ** attempts + spread;
    this.#timers.arm(key, wait, () => void this.#ask(room_id, seq, key));
  }

  stop(): void {
    this.#timers.disarmAll();
    this.#attempts.clear();
  }

  async #ask(room_id: string, seq: number, key: string): Promise<void> {
    const { messages, timelines } = this.#options;
    const before = timelines.get(room_id)?.peek();
    this.#attempts.set(key, (this.#attempts.get(key) ?? 0) + 1);
    const message = await messages.get(room_id, seq).catch(() => null);
    const timeline = timelines.get(room_id);
    if (this.#timers.has(key) || !timeline || !before) return;
    const now = timeline.peek();
    // What came while the answer was on its way may or may not be counted in it.
    const isSame = findEntry(now, seq) === findEntry(before, seq);
    if (message && now.epoch === before.epoch && !isSame) {
      this.want(room_id, seq);
      return;
    }
    this.#attempts.delete(key);
    if (message && now.epoch === before.epoch) timeline.value = recounted(now, message);
  }
}
