import { signal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import { Timers } from 'tailwire-client/timers';
import type { Command } from 'tailwire-client/wire/commands';
import type { ErrorEvent, ServerEvent } from 'tailwire-client/wire/protocol';
import type { Author } from './names';

// The server passes on one signal each 3 s and user. A user without a signal for longer has
// stopped.
const SEND_MILLISECONDS = 3_000;
const SHOWN_MILLISECONDS = 5_000;

interface TypingOptions {
  clock: Clock;
  user_id: string;
  makeRef(): string;
  send(command: Command): boolean;
}

type TypingEvent = Extract<ServerEvent, { type: 'typing' }>;

/** Which users are typing in which room. */
export class Typing {
  readonly #clock: Clock;
  readonly #me: string;
  readonly #send: (command: Command) => boolean;
  readonly #makeRef: () => string;
  readonly #typists = signal<ReadonlyMap<string, ReadonlyMap<string, Author>>>(new Map());
  readonly #timers: Timers;
  #sentAt = Number.NEGATIVE_INFINITY;
  #ref: string | null = null;
  #wanted = true;

  constructor(options: TypingOptions) {
    this.#clock = options.clock;
    this.#timers = new Timers(options.clock);
    this.#me = options.user_id;
    this.#send = options.send;
    this.#makeRef = options.makeRef;
  }

  in(room_id: string): Author[] {
    return [...(this.#typists.value.get(room_id)?.values() ?? [])];
  }

  /** The user pressed a key in the composer. */
  pressed(room_id: string): void {
    const now = this.#clock.now();
    if (!this.#wanted || now - this.#sentAt < SEND_MILLISECONDS) return;
    const ref = this.#makeRef();
    if (!this.#send({ type: 'typing', room_id, ref })) return;
    this.#sentAt = now;
    this.#ref = ref;
  }

  /**
   * Whether the error answers a `typing` command. If the server does not know it, it is not sent
   * again.
   */
  refused({ ref, code }: ErrorEvent): boolean {
    if (!ref || ref !== this.#ref) return false;
    if (code === 'unknown_type') this.#wanted = false;
    return true;
  }

  heard({ room_id, user_id, username }: TypingEvent): void {
    if (user_id === this.#me) return;
    this.#set(room_id, user_id, username);
    this.#timers.arm(`${room_id} ${user_id}`, SHOWN_MILLISECONDS, () =>
      this.#set(room_id, user_id, null),
    );
  }

  /** Their message has arrived. */
  stopped(room_id: string, user_id: string): void {
    if (this.#timers.disarm(`${room_id} ${user_id}`)) this.#set(room_id, user_id, null);
  }

  #set(room_id: string, user_id: string, username: string | null): void {
    const typists = new Map(this.#typists.peek().get(room_id));
    if (username === null) typists.delete(user_id);
    else typists.set(user_id, { user_id, username });
    this.#typists.value = new Map(this.#typists.peek()).set(room_id, typists);
  }
}
