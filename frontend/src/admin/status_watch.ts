import { signal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import { Timers } from 'tailwire-client/timers';
import type { AdminApi, Node, Status } from 'tailwire-client/wire/api/admin';
import { problemText } from 'tailwire-client/wire/problem';

const POLL_MILLISECONDS = 5_000;
// Half an hour at one every five seconds: more would not be told apart in so small a picture.
const MOST_SAMPLES = 360;
// A node says every ten seconds how it is.
const SILENT_MILLISECONDS = 30_000;

/** How the server was at one moment, over all nodes. */
export interface Sample {
  /** Milliseconds of this page's clock. */
  at: number;
  connections: number;
  /** The largest of all nodes, in milliseconds. */
  lag: number;
}

/** Whether a node was not heard of for so long that it is gone, or cannot reach the database. */
export function isSilent(node: Node): boolean {
  return node.age_ms > SILENT_MILLISECONDS;
}

/** Asks again and again how the server is, while somebody looks, and remembers what it was. */
export class StatusWatch {
  /** Null before the first answer. */
  readonly now = signal<Status | null>(null);
  /** Why the last question was not answered. It is empty when it was. */
  readonly error = signal('');
  /** The oldest first. */
  readonly samples = signal<readonly Sample[]>([]);
  readonly #api: Pick<AdminApi, 'status'>;
  readonly #clock: Clock;
  readonly #timers: Timers;
  #isWatched = false;

  constructor(api: Pick<AdminApi, 'status'>, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
    this.#timers = new Timers(clock);
  }

  /** Asks at once, and then every few seconds. The returned function ends that. */
  watch(): () => void {
    this.#isWatched = true;
    void this.#ask();
    return () => {
      this.#isWatched = false;
      this.#timers.disarmAll();
    };
  }

  async #ask(): Promise<void> {
    try {
      const status = await this.#api.status();
      const alive = status.nodes.filter((node) => !isSilent(node));
      const sample = {
        at: this.#clock.now(),
        connections: alive.reduce((sum, { connections }) => sum + connections, 0),
        lag: Math.max(0, ...alive.map(({ feed }) => feed.lag_ms)),
      };
      this.samples.value = [...this.samples.peek(), sample].slice(-MOST_SAMPLES);
      this.now.value = status;
      this.error.value = '';
    } catch (error) {
      this.error.value = problemText(error);
    }
    if (this.#isWatched) this.#timers.arm('ask', POLL_MILLISECONDS, () => void this.#ask());
  }
}
