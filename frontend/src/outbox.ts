import { signal } from '@preact/signals';
import type { Clock } from './clock';
import { codeText } from './problem';
import type { Command } from './protocol';

// An ack is a few milliseconds away. After the first wait the connection has to prove that it lives
// (a dead one is replaced and the message sent again); after the second the user is told.
const SILENCE_MILLISECONDS = 5_000;
const ACK_TIMEOUT_MILLISECONDS = 10_000;
const MAX_ATTEMPTS = 8;

// Refusals that a later try, unchanged, may not meet.
const TEMPORARY_CODES = new Set(['rate_limited', 'unavailable', 'internal', 'overloaded']);

/** waiting: for the connection or its turn · sent: no answer yet · stored: acked, its echo will come. */
export type PendingState = 'waiting' | 'sent' | 'stored' | 'failed';

export interface Pending {
  ref: string;
  room_id: string;
  body: string;
  reply_to: number | null;
  at: string;
  state: PendingState;
  /** Its place in the log, once acked. */
  seq: number | null;
  error: string | null;
  attempts: number;
}

interface OutboxOptions {
  user_id: string;
  storage: Storage;
  clock: Clock;
  makeRef(): string;
  /** Whether the command left; false where the room is not live. */
  transmit(command: Command, room_id: string): boolean;
  /** An ack is overdue. */
  onSilence(): void;
}

/**
 * The user's own messages from Enter until their echo. One per room is on its way at a time, so they
 * keep their order, and each keeps its ref through every retry, so it is stored at most once.
 */
export class Outbox {
  readonly items = signal<readonly Pending[]>([]);
  readonly #options: OutboxOptions;
  readonly #timers = new Map<string, () => void>();
  readonly #paused = new Set<string>();

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.items.value = this.#load();
  }

  add(room_id: string, body: string, reply_to: number | null = null): Pending {
    const pending: Pending = {
      ref: this.#options.makeRef(),
      room_id,
      body,
      reply_to,
      at: new Date(this.#options.clock.now()).toISOString(),
      state: 'waiting',
      seq: null,
      error: null,
      attempts: 0,
    };
    this.#replace([...this.items.value, pending]);
    this.flush(room_id);
    return pending;
  }

  /** Sends the room's next message, unless one is on its way or the room waits out a limit. */
  flush(room_id: string): void {
    if (this.#paused.has(room_id)) return;
    const queue = this.items.value.filter((item) => item.room_id === room_id);
    if (queue.some(({ state }) => state === 'sent')) return;
    const next = queue.find(({ state }) => state === 'waiting');
    if (!next) return;
    const { ref, body, reply_to } = next;
    const command: Command = { type: 'send', room_id, ref, body, ...(reply_to && { reply_to }) };
    if (!this.#options.transmit(command, room_id)) return;
    this.#change(ref, { state: 'sent', attempts: next.attempts + 1 });
    this.#arm(ref, SILENCE_MILLISECONDS, () => {
      this.#arm(ref, ACK_TIMEOUT_MILLISECONDS, () =>
        this.#fail(ref, 'The server did not answer in time.'),
      );
      this.#options.onSilence();
    });
  }

  /** The connection is gone: what was sent on it may or may not have arrived, and is sent again. */
  lost(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#paused.clear();
    this.#replace(
      this.items.value.map((item) =>
        item.state === 'sent' ? { ...item, state: 'waiting' as const } : item,
      ),
    );
  }

  acked(ref: string, seq: number): void {
    const item = this.#find(ref);
    if (!item) return;
    this.#disarm(ref);
    this.#change(ref, { state: 'stored', seq, error: null });
    this.flush(item.room_id);
  }

  refused(ref: string, code: string, message = '', retryAfterSeconds?: number): void {
    const item = this.#find(ref);
    if (!item) return;
    this.#disarm(ref);
    if (!TEMPORARY_CODES.has(code) || item.attempts >= MAX_ATTEMPTS) {
      this.#fail(ref, codeText(code, message));
      return;
    }
    const wait = (retryAfterSeconds ?? Math.min(30, 2 ** item.attempts)) * 1000;
    this.#change(ref, { state: 'waiting' });
    this.#paused.add(item.room_id);
    this.#arm(`room ${item.room_id}`, wait, () => {
      this.#paused.delete(item.room_id);
      this.flush(item.room_id);
    });
  }

  /** Its echo has arrived: the log holds it now. */
  settle(ref: string): void {
    const item = this.#find(ref);
    if (!item) return;
    this.#drop(ref);
    this.flush(item.room_id);
  }

  /** Everything acked up to `seq` is in the log, even where its echo was never seen. */
  settleUpTo(room_id: string, seq: number): void {
    for (const item of this.items.value)
      if (item.room_id === room_id && item.seq !== null && item.seq <= seq) this.#drop(item.ref);
  }

  /** The same ref again: if the first try did arrive after all, nothing doubles. */
  retry(ref: string): void {
    const item = this.#find(ref);
    if (item?.state !== 'failed') return;
    this.#change(ref, { state: 'waiting', error: null, attempts: 0 });
    this.flush(item.room_id);
  }

  discard(ref: string): void {
    if (this.#find(ref)?.state === 'failed') this.#drop(ref);
  }

  /** No longer a member: nothing of the room can be sent any more. */
  failRoom(room_id: string, error: string): void {
    for (const item of this.items.value)
      if (item.room_id === room_id && item.state !== 'stored') this.#fail(item.ref, error);
  }

  forget(): void {
    this.lost();
    this.#replace([]);
  }

  #fail(ref: string, error: string): void {
    const item = this.#find(ref);
    if (!item) return;
    this.#disarm(ref);
    this.#change(ref, { state: 'failed', error });
    this.flush(item.room_id);
  }

  #drop(ref: string): void {
    this.#disarm(ref);
    this.#replace(this.items.value.filter((item) => item.ref !== ref));
  }

  #change(ref: string, change: Partial<Pending>): void {
    this.#replace(
      this.items.value.map((item) => (item.ref === ref ? { ...item, ...change } : item)),
    );
  }

  #find(ref: string): Pending | undefined {
    return this.items.value.find((item) => item.ref === ref);
  }

  #arm(name: string, milliseconds: number, task: () => void): void {
    this.#disarm(name);
    const cancel = this.#options.clock.after(milliseconds, () => {
      this.#timers.delete(name);
      task();
    });
    this.#timers.set(name, cancel);
  }

  #disarm(name: string): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
  }

  #replace(items: readonly Pending[]): void {
    this.items.value = items;
    try {
      if (items.length === 0) this.#options.storage.removeItem(this.#key);
      else this.#options.storage.setItem(this.#key, JSON.stringify(items));
    } catch {
      // Storage is full or switched off: a reload loses unsent messages, nothing else does.
    }
  }

  #load(): readonly Pending[] {
    try {
      const stored: unknown = JSON.parse(this.#options.storage.getItem(this.#key) ?? '[]');
      if (!Array.isArray(stored)) return [];
      return (stored as Pending[]).map((item) =>
        item.state === 'sent' ? { ...item, state: 'waiting' } : item,
      );
    } catch {
      return [];
    }
  }

  get #key(): string {
    return `tailwire.outbox.${this.#options.user_id}`;
  }
}
