import { signal } from '@preact/signals';
import type { Clock } from './clock';
import type { Command, ServerEvent } from './protocol';

// The server passes on one per 3 s and user; whoever was not heard of for longer has stopped.
const SEND_MILLISECONDS = 3_000;
const SHOWN_MILLISECONDS = 5_000;

type TypingEvent = Extract<ServerEvent, { type: 'typing' }>;

/** Who is writing in which room right now. */
export class Typing {
  readonly #clock: Clock;
  readonly #me: string;
  readonly #send: (command: Command) => boolean;
  readonly #names = signal<ReadonlyMap<string, ReadonlyMap<string, string>>>(new Map());
  readonly #timers = new Map<string, () => void>();
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, me: string, send: (command: Command) => boolean) {
    this.#clock = clock;
    this.#me = me;
    this.#send = send;
  }

  in(room_id: string): string[] {
    return [...(this.#names.value.get(room_id)?.values() ?? [])];
  }

  /** The user pressed a key in the composer. */
  pressed(room_id: string): void {
    const now = this.#clock.now();
    if (now - this.#sentAt < SEND_MILLISECONDS) return;
    if (this.#send({ type: 'typing', room_id })) this.#sentAt = now;
  }

  heard({ room_id, user_id, username }: TypingEvent): void {
    if (user_id === this.#me) return;
    this.#set(room_id, user_id, username);
    const key = `${room_id} ${user_id}`;
    this.#timers.get(key)?.();
    this.#timers.set(
      key,
      this.#clock.after(SHOWN_MILLISECONDS, () => this.stopped(room_id, user_id)),
    );
  }

  /** Their message has come, or nothing has for a while. */
  stopped(room_id: string, user_id: string): void {
    const key = `${room_id} ${user_id}`;
    this.#timers.get(key)?.();
    if (this.#timers.delete(key)) this.#set(room_id, user_id, null);
  }

  #set(room_id: string, user_id: string, username: string | null): void {
    const names = new Map(this.#names.peek().get(room_id));
    if (username === null) names.delete(user_id);
    else names.set(user_id, username);
    this.#names.value = new Map(this.#names.peek()).set(room_id, names);
  }
}
