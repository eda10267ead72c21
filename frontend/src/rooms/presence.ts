import { type Signal, signal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import { Timers } from 'tailwire-client/timers';
import type { Command } from 'tailwire-client/wire/commands';
import type { ServerEvent } from 'tailwire-client/wire/protocol';

// The server tells one connection of so many users.
const MOST_WATCHED = 200;
// Views come and go together, so the server is asked once for all of them.
const PAUSE_MILLISECONDS = 200;

interface PresenceOptions {
  clock: Clock;
  /** Whether the server tells who is online. */
  isTold(): boolean;
  send(command: Command): boolean;
}

type PresenceEvent = Extract<ServerEvent, { type: 'presence' }>;

/** Who of the users that views show is online. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #timers: Timers;
  readonly #byUser = new Map<string, Signal<boolean | undefined>>();
  /** The users of each view that shows any. The view that came last is last. */
  readonly #shown = new Set<readonly string[]>();
  #watched = '';

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#timers = new Timers(options.clock);
  }

  /** Undefined where it is not known. */
  of(user_id: string): boolean | undefined {
    return this.#signal(user_id).value;
  }

  /** A view shows these users, until it calls the returned function. */
  show(user_ids: readonly string[]): () => void {
    const own = [...user_ids];
    this.#shown.add(own);
    this.#watchSoon();
    return () => {
      this.#shown.delete(own);
      this.#watchSoon();
    };
  }

  heard({ user_id, online }: PresenceEvent): void {
    this.#signal(user_id).value = online;
  }

  /** A list says so. What is told of a user who is watched is newer. */
  listed(user_id: string, online: boolean | undefined): void {
    const known = this.#signal(user_id);
    if (online !== undefined && !this.#isWatched(user_id)) known.value = online;
  }

  /** The connection is ready, and the server knows nothing of what was watched before. */
  connected(): void {
    this.#watched = '';
    this.#watch();
  }

  /** Nothing is told any more. */
  lost(): void {
    this.#timers.disarmAll();
    this.#watched = '';
    for (const online of this.#byUser.values()) online.value = undefined;
  }

  #isWatched(user_id: string): boolean {
    return this.#watched.split(' ').includes(user_id);
  }

  #watchSoon(): void {
    if (!this.#timers.has('watch'))
      this.#timers.arm('watch', PAUSE_MILLISECONDS, () => this.#watch());
  }

  #watch(): void {
    if (!this.#options.isTold()) return;
    const newest = [...this.#shown].reverse().flat();
    const user_ids = [...new Set(newest)].slice(0, MOST_WATCHED).sort();
    const watched = user_ids.join(' ');
    if (watched === this.#watched) return;
    if (this.#options.send({ type: 'watch', user_ids })) this.#watched = watched;
  }

  #signal(user_id: string): Signal<boolean | undefined> {
    const known = this.#byUser.get(user_id);
    if (known) return known;
    const fresh = signal<boolean | undefined>(undefined);
    this.#byUser.set(user_id, fresh);
    return fresh;
  }
}
