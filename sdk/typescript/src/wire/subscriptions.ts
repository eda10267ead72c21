import type { Clock } from '../clock.ts';
import { Timers } from '../timers.ts';
import type { Command } from './commands.ts';
import type { ErrorEvent, Position } from './protocol.ts';

const DEFAULT_LIMIT = 100;
const RETRY_MILLISECONDS = 2_000;

interface SubscriptionsOptions {
  clock: Clock;
  makeRef(): string;
  send(command: Command): boolean;
  /** The position of the room; undefined where the user is not a member. */
  position(room_id: string): Position | undefined;
  /** The server says that this user cannot see the room. */
  onRefused(room_id: string): void;
}

type State = 'asked' | 'live';

/**
 * The rooms that the connection is subscribed to. After each connect, every room resumes from its
 * position.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #states = new Map<string, State>();
  readonly #refs = new Map<string, string>();
  readonly #retries: Timers;
  /** The rooms to subscribe to. The room that was not used for longest is first. */
  readonly #wanted = new Set<string>();
  #limit = DEFAULT_LIMIT;
  #isReady = false;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    this.#retries = new Timers(options.clock);
  }

  /** Whether the server was asked for the events of the room. */
  has(room_id: string): boolean {
    return this.#states.has(room_id);
  }

  /** The wanted rooms for which the limit leaves no subscription. */
  get leftOut(): string[] {
    return this.#isReady ? [...this.#wanted].filter((id) => !this.#states.has(id)) : [];
  }

  isLive(room_id: string): boolean {
    return this.#states.get(room_id) === 'live';
  }

  /** The connection is ready. Subscribes to all wanted rooms, the most recently used first. */
  start(limit = DEFAULT_LIMIT): void {
    this.lost();
    this.#isReady = true;
    this.#limit = limit;
    for (const room_id of [...this.#wanted].reverse().slice(0, limit)) this.#subscribe(room_id);
  }

  lost(): void {
    this.#isReady = false;
    this.#retries.disarmAll();
    this.#states.clear();
    this.#refs.clear();
  }

  /**
   * Subscribes to a room. When there are more rooms than the limit, a `used` one replaces another.
   */
  want(room_id: string, used = false): void {
    if (this.#wanted.has(room_id) && !used) return;
    this.#wanted.delete(room_id);
    if (used) this.#wanted.add(room_id);
    else this.#putBehind(room_id);
    if (this.#states.has(room_id)) return;
    if (this.#states.size >= this.#limit) {
      if (!used) return;
      this.#giveUpLongestUnused();
    }
    this.#subscribe(room_id);
  }

  remove(room_id: string): void {
    this.#wanted.delete(room_id);
    this.#retries.disarm(room_id);
    if (this.#states.delete(room_id)) this.#options.send({ type: 'unsubscribe', room_id });
  }

  /** There is a gap in the log. Subscribes again from the last applied seq. */
  resume(room_id: string): void {
    if (this.#states.get(room_id) !== 'live') return;
    this.#options.send({ type: 'unsubscribe', room_id });
    this.#subscribe(room_id);
  }

  wentLive(room_id: string): void {
    if (this.#states.has(room_id)) this.#states.set(room_id, 'live');
  }

  /** Whether the error answers a `subscribe` command. */
  refused({ ref, code, retry_after_seconds }: ErrorEvent): boolean {
    const room_id = this.#refs.get(ref ?? '');
    if (room_id === undefined) return false;
    this.#refs.delete(ref ?? '');
    this.#states.delete(room_id);
    if (code === 'not_found' || code === 'forbidden') {
      this.#wanted.delete(room_id);
      this.#options.onRefused(room_id);
    } else {
      const wait = (retry_after_seconds ?? 0) * 1000 || RETRY_MILLISECONDS;
      this.#retries.arm(room_id, wait, () => this.#subscribe(room_id));
    }
    return true;
  }

  #subscribe(room_id: string): void {
    const since = this.#options.position(room_id);
    if (!since) return;
    const ref = this.#options.makeRef();
    if (!this.#options.send({ type: 'subscribe', room_id, ref, since })) return;
    this.#refs.set(ref, room_id);
    this.#states.set(room_id, 'asked');
  }

  #putBehind(room_id: string): void {
    const others = [...this.#wanted];
    this.#wanted.clear();
    for (const id of [room_id, ...others]) this.#wanted.add(id);
  }

  #giveUpLongestUnused(): void {
    for (const room_id of this.#wanted) {
      if (!this.#states.delete(room_id)) continue;
      this.#options.send({ type: 'unsubscribe', room_id });
      return;
    }
  }
}
