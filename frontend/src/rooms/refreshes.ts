import { effect, type ReadonlySignal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import { Timers } from 'tailwire-client/timers';
import { jitter } from 'tailwire-client/wire/backoff';

// The server answers for so many rooms at once.
const MOST_ROOMS = 100;
// Many pages notice a restored store at the same time, so each waits for a random part of this.
const SPREAD_MILLISECONDS = 300;
const ROUND_MILLISECONDS = 20_000;
// Where the server tells which rooms have new messages, the rounds find only what was lost on the way.
const SLOW_ROUND_MILLISECONDS = 60_000;
// Many rooms may grow at the same time. They are asked for together.
const NOTICED_MILLISECONDS = 1_000;

interface RefreshesOptions {
  clock: Clock;
  visible: ReadonlySignal<boolean>;
  /** The user's rooms of which no events come, because the connection has no subscription left. */
  unsubscribed(): readonly string[];
  /** Whether the server tells which of them have new messages. */
  isNoticed(): boolean;
  /** Asks the server for these rooms and takes in its answer. Rejects where there is none. */
  ask(room_ids: readonly string[]): Promise<void>;
}

/**
 * Asks the server again for rooms of which this page may know too little. Rooms without a
 * subscription are asked for again and again while the page is visible, because what tells of new
 * messages there may be lost, and older servers do not tell it.
 */
export class Refreshes {
  readonly #options: RefreshesOptions;
  readonly #wanted = new Set<string>();
  readonly #timers: Timers;
  #attempt = 0;
  #next = 0;
  #stopWatching: () => void = () => {};

  constructor(options: RefreshesOptions) {
    this.#options = options;
    this.#timers = new Timers(options.clock);
  }

  start(): void {
    const { clock, visible } = this.#options;
    this.#stopWatching = effect(() => {
      if (visible.value) this.#armRound(SPREAD_MILLISECONDS * clock.random());
      else this.#timers.disarm('round');
    });
  }

  stop(): void {
    this.#stopWatching();
    this.#timers.disarmAll();
  }

  /** Asks for the room soon, until the server has answered. */
  want(room_id: string): void {
    this.#wanted.add(room_id);
    if (!this.#timers.has('wanted'))
      this.#armWanted(SPREAD_MILLISECONDS * this.#options.clock.random());
  }

  /** Asks for the room a little later: it has new messages, and so may others have soon. */
  noticed(room_id: string): void {
    this.#wanted.add(room_id);
    if (!this.#timers.has('wanted'))
      this.#armWanted(NOTICED_MILLISECONDS * (0.5 + this.#options.clock.random() / 2));
  }

  /** The server can be reached again. */
  connected(): void {
    this.#attempt = 0;
    if (this.#wanted.size > 0) this.#armWanted(SPREAD_MILLISECONDS * this.#options.clock.random());
  }

  #armWanted(wait: number): void {
    this.#timers.arm('wanted', wait, () => void this.#askWanted());
  }

  async #askWanted(): Promise<void> {
    const room_ids = [...this.#wanted].slice(0, MOST_ROOMS);
    for (const room_id of room_ids) this.#wanted.delete(room_id);
    try {
      await this.#options.ask(room_ids);
      this.#attempt = 0;
      if (this.#wanted.size > 0 && !this.#timers.has('wanted')) this.#armWanted(0);
    } catch {
      for (const room_id of room_ids) this.#wanted.add(room_id);
      this.#armWanted(SPREAD_MILLISECONDS + jitter(this.#attempt++, this.#options.clock));
    }
  }

  #armRound(wait: number): void {
    this.#timers.arm('round', wait, () => void this.#round());
  }

  async #round(): Promise<void> {
    const { ask, clock, isNoticed, unsubscribed, visible } = this.#options;
    const rooms = unsubscribed();
    const begin = this.#next < rooms.length ? this.#next : 0;
    const room_ids = rooms.slice(begin, begin + MOST_ROOMS);
    this.#next = begin + room_ids.length;
    // What fails is asked for again in a later round.
    if (room_ids.length > 0) await ask(room_ids).catch(() => {});
    const pause = isNoticed() ? SLOW_ROUND_MILLISECONDS : ROUND_MILLISECONDS;
    if (visible.peek()) this.#armRound(pause * (0.5 + clock.random()));
  }
}
