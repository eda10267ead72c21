import { timeoutSignal } from 'tailwire-client/timeout';
import type { Lease } from './lease';

// A tab may be frozen while it has the turn, so others wait no longer than this. A request is shorter.
const TURN_MILLISECONDS = 25_000;

/** Undefined where the page came over plain http. */
type Locks = Pick<LockManager, 'request'> | undefined;

/** Lets one tab of a browser at a time do something. Where the browser has no locks, a lease stands in for them. */
export class Turn {
  readonly #name: string;
  readonly #locks: Locks;
  readonly #lease: Pick<Lease, 'hold'> | undefined;

  constructor(name: string, locks: Locks, lease?: Pick<Lease, 'hold'>) {
    this.#name = name;
    this.#locks = locks;
    this.#lease = lease;
  }

  /** Runs `task` while no other tab runs one. Who waits too long does not wait any more. */
  async take<T>(task: () => Promise<T>): Promise<T> {
    if (!this.#locks) return this.#lease ? this.#lease.hold(task) : task();
    try {
      const signal = timeoutSignal(TURN_MILLISECONDS);
      return await this.#locks.request(this.#name, { signal }, task);
    } catch (error) {
      if (error instanceof DOMException) return task();
      throw error;
    }
  }
}
