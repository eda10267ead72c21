import type { Cell, MakeCell } from '../cell.ts';
import type { Clock } from '../clock.ts';
import { Timers } from '../timers.ts';
import type { EntryCommand } from '../wire/commands.ts';
import { codeText } from '../wire/problem.ts';
import type { ErrorEvent, Position } from '../wire/protocol.ts';
import {
  type Dropped,
  type Given,
  isChange,
  isMessage,
  type Pending,
  type PendingChange,
  type PendingMessage,
} from './pending.ts';

// An ack normally takes a few milliseconds. After the first wait the connection must prove that it
// lives; a dead one is replaced, and the command is sent again. After the second wait the command
// has failed.
const SILENCE_MILLISECONDS = 5_000;
const ACK_TIMEOUT_MILLISECONDS = 10_000;
const MAX_ATTEMPTS = 8;
// When a timer is this late, the page was frozen or the machine slept.
const SLEEP_MILLISECONDS = 2_000;
// New commands leave after this time, even when the browser has not returned the stored ones.
const RESTORE_MILLISECONDS = 2_000;
const LOOK_MILLISECONDS = 5_000;

// A command that was refused with one of these is sent again by itself.
const SLOW = 'slow_mode';
const TEMPORARY_CODES = new Set(['rate_limited', 'unavailable', 'internal', SLOW]);

/** Keeps commands without an ack beyond the life of the page. None of its methods fails. */
export interface OutboxStore {
  /** The commands that this tab stored before it was reloaded. */
  own(user_id: string): Promise<Pending[]>;
  /** The commands that closed tabs left. From now on they belong to this tab only. */
  adopt(user_id: string): Promise<Pending[]>;
  put(user_id: string, pending: Pending): void;
  delete(ref: string): void;
  /** Deletes all commands of this tab. */
  forget(user_id: string): void;
}

type Refusal = Pick<ErrorEvent, 'code' | 'message' | 'retry_after_seconds'>;

interface OutboxOptions {
  user_id: string;
  /** The present epoch of the room's log; undefined where it is not known. */
  epochOf(room_id: string): string | undefined;
  store: OutboxStore;
  clock: Clock;
  cell: MakeCell;
  makeRef(): string;
  /** Whether the command was sent. It is not sent where the room is not live. */
  transmit(command: EntryCommand): boolean;
  /** Whether the server takes the epoch of the message that a message answers. */
  takesEpoch(): boolean;
  /** Whether the entry of the command is in the timeline already. */
  isStored(pending: Pending): boolean;
  /** An ack has not come in time. */
  onSilence(): void;
  /** The user wrote too soon in a room with slow mode, and has to wait. */
  onSlow(room_id: string, seconds: number): void;
}

/**
 * The commands of the user that write something, each from the moment it is given until the log shows
 * what came of it. One command per room is on its way at a time, so the commands keep their order. Each
 * keeps its ref through every retry, so it is carried out at most once.
 *
 * Each tab shows and sends the commands that were given in it, and those that a closed tab could not
 * send. If two tabs ever send the same command, it has the same ref.
 */
export class Outbox {
  readonly items: Cell<readonly Pending[]>;
  /** The changes that were given up and that the user has not been told of yet. */
  readonly dropped: Cell<readonly Dropped[]>;
  readonly #options: OutboxOptions;
  readonly #timers: Timers;
  readonly #paused = new Set<string>();
  #phase: 'restoring' | 'open' | 'stopped' = 'restoring';
  #cancelNext: () => void = () => {};

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.items = options.cell<readonly Pending[]>([]);
    this.dropped = options.cell<readonly Dropped[]>([]);
    this.#timers = new Timers(options.clock);
  }

  /** The pending messages of a room. */
  messagesIn(room_id: string): PendingMessage[] {
    return this.items.value.filter(isMessage).filter(({ command }) => command.room_id === room_id);
  }

  /** The pending changes of the room's messages, in their order. */
  changesIn(room_id: string): PendingChange[] {
    return this.items.value.filter(isChange).filter(({ command }) => command.room_id === room_id);
  }

  /** Loads the stored commands. Nothing is sent before that, so that commands keep their order. */
  start(): void {
    const { clock, store, user_id } = this.#options;
    this.#cancelNext = clock.after(RESTORE_MILLISECONDS, () => this.#open());
    void store.own(user_id).then((kept) => {
      this.#take(kept);
      this.#open();
    });
  }

  /** Stops sending. Commands without an ack stay stored. */
  stop(): void {
    this.#phase = 'stopped';
    this.#cancelNext();
    this.lost();
  }

  /**
   * A change gives the epoch of the log in which the user saw the message, because under another
   * epoch another message may have its seq.
   */
  add(command: Given): Pending {
    const epoch = 'epoch' in command ? command.epoch : this.#options.epochOf(command.room_id);
    const pending: Pending = {
      command: { ref: this.#options.makeRef(), ...command },
      at: new Date(this.#nextAt()).toISOString(),
      state: 'waiting',
      seq: null,
      ...(epoch !== undefined && { epoch }),
      error: null,
      attempts: 0,
    };
    this.items.value = [...this.items.value, pending];
    this.#options.store.put(this.#options.user_id, pending);
    this.flush(command.room_id);
    return pending;
  }

  /**
   * Sends the next command of the room, unless another is on its way or a rate limit is waited out.
   */
  flush(room_id: string): void {
    if (this.#phase !== 'open' || this.#paused.has(room_id)) return;
    this.#bringOver(room_id);
    const queue = this.items.value.filter(({ command }) => command.room_id === room_id);
    if (queue.some(({ state }) => state === 'sent')) return;
    // Slow mode keeps messages waiting, and no changes of them.
    const isSlow = this.#paused.has(slow(room_id));
    const next = queue.find((item) => item.state === 'waiting' && !(isSlow && isMessage(item)));
    if (!next) return;
    if (!this.#options.transmit(this.#addressed(next))) return;
    const { ref } = next.command;
    this.#change(ref, { state: 'sent', attempts: next.attempts + 1 });
    this.#timers.arm(ref, SILENCE_MILLISECONDS, () => this.#overdue(ref, room_id));
  }

  /**
   * The connection is lost. Commands that were sent on it may not have arrived, so they are sent
   * again.
   */
  lost(): void {
    this.#timers.disarmAll();
    this.#paused.clear();
    this.items.value = this.items.value.map((item) =>
      item.state === 'sent' ? { ...item, state: 'waiting' as const } : item,
    );
  }

  acked(ref: string, { epoch, seq }: Position): void {
    const item = this.#find(ref);
    if (!item) return;
    this.#timers.disarm(ref);
    this.#change(ref, { state: 'stored', seq, epoch, error: null });
    this.#options.store.delete(ref);
    this.flush(item.command.room_id);
  }

  refused(ref: string, { code, message, retry_after_seconds }: Refusal): void {
    const item = this.#find(ref);
    if (!item) return;
    this.#timers.disarm(ref);
    if (code === 'reset' && item.command.type === 'send') {
      // The message that it answers may be another one by now, so it answers none.
      const { reply_to: _, epoch: __, ...command } = item.command;
      this.#change(ref, { command, state: 'waiting' });
      this.#keep(ref);
      this.flush(command.room_id);
      return;
    }
    if (!TEMPORARY_CODES.has(code) || item.attempts >= MAX_ATTEMPTS) {
      const error = codeText(code, message ?? '');
      if (isChange(item) && !TEMPORARY_CODES.has(code)) this.#giveUp(item, error);
      else this.#fail(ref, error);
      this.flush(item.command.room_id);
      return;
    }
    const { room_id } = item.command;
    const seconds = retry_after_seconds ?? Math.min(30, 2 ** item.attempts);
    if (code === SLOW) this.#options.onSlow(room_id, seconds);
    this.#change(ref, { state: 'waiting' });
    this.#keep(ref);
    this.#pause(code === SLOW ? slow(room_id) : room_id, seconds, room_id);
    this.flush(room_id);
  }

  /** The entry of the command has arrived, so the command is done. */
  settle(ref: string): void {
    const item = this.#find(ref);
    if (!item) return;
    this.#drop(item);
    this.flush(item.command.room_id);
  }

  /** Commands acked up to `seq` are done, even when their entries were not seen here. */
  settleUpTo(room_id: string, { epoch, seq }: Position): void {
    for (const item of this.items.value)
      if (item.command.room_id === room_id && item.epoch === epoch && (item.seq ?? seq + 1) <= seq)
        this.#drop(item);
  }

  /**
   * Sends a failed command again with the same ref, so that it is stored once even if the first try
   * arrived.
   */
  retry(ref: string): void {
    const item = this.#find(ref);
    if (item?.state !== 'failed') return;
    this.#change(ref, { state: 'waiting', error: null, attempts: 0 });
    this.#keep(ref);
    this.flush(item.command.room_id);
  }

  discard(ref: string): void {
    const item = this.#find(ref);
    if (item?.state === 'failed') this.#drop(item);
  }

  /** The user was told of a change that was given up. */
  told(ref: string): void {
    this.dropped.value = this.dropped.value.filter(({ command }) => command.ref !== ref);
  }

  /** The user is no longer a member, so all commands to the room fail. */
  failRoom(room_id: string, error: string): void {
    for (const item of this.items.value) {
      if (item.command.room_id !== room_id || item.state === 'stored') continue;
      if (isChange(item)) this.#giveUp(item, error);
      else this.#fail(item.command.ref, error);
    }
  }

  /** The user logs out. No command stays on this machine. */
  forget(): void {
    this.stop();
    this.items.value = [];
    this.dropped.value = [];
    this.#options.store.forget(this.#options.user_id);
  }

  #pause(what: string, seconds: number, room_id: string): void {
    this.#paused.add(what);
    this.#timers.arm(`pause ${what}`, seconds * 1000, () => {
      this.#paused.delete(what);
      this.flush(room_id);
    });
  }

  #open(): void {
    if (this.#phase !== 'restoring') return;
    this.#phase = 'open';
    this.#flushAll();
    this.#look();
  }

  /**
   * Looks regularly for commands of closed tabs, because a tab does not always tell that it closes.
   */
  #look(): void {
    const { clock, store, user_id } = this.#options;
    this.#cancelNext();
    this.#cancelNext = clock.after(LOOK_MILLISECONDS, async () => {
      this.#take(await store.adopt(user_id));
      if (this.#phase === 'open') this.#look();
    });
  }

  #take(kept: readonly Pending[]): void {
    if (this.#phase === 'stopped') return;
    const { isStored, store } = this.#options;
    const taken: Pending[] = [];
    for (const item of kept) {
      const { ref } = item.command;
      if (isStored(item)) store.delete(ref);
      else if (!this.#find(ref)) taken.push(item);
    }
    if (taken.length === 0) return;
    this.items.value = [...taken, ...this.items.value].sort(
      (one, other) => Date.parse(one.at) - Date.parse(other.at),
    );
    this.#flushAll();
  }

  /**
   * The store was restored, so the room has another epoch. Messages that were stored may be gone and are
   * sent again: where one is still there, its ref keeps it from being stored twice. Another message may
   * have the seq of the one that was answered, so the message answers none. For the same reason, changes
   * are given up.
   */
  #bringOver(room_id: string): void {
    const epoch = this.#options.epochOf(room_id);
    if (epoch === undefined) return;
    for (const item of this.items.peek()) {
      const { command, state } = item;
      if (command.room_id !== room_id || (item.epoch ?? epoch) === epoch) continue;
      if (command.type !== 'send') {
        this.#giveUp(item as PendingChange, codeText('reset'));
        continue;
      }
      const { reply_to: _, epoch: __, ...rest } = command;
      const wasStored = state === 'stored';
      const change = { command: rest, epoch, ...(wasStored && { state: 'waiting', seq: null }) };
      this.#change(command.ref, change as Partial<Pending>);
      this.#keep(command.ref);
    }
  }

  /** The command with the epoch of the message that it answers, as another may have its seq by now. */
  #addressed({ command, epoch }: Pending): EntryCommand {
    const isAnswer = command.type === 'send' && command.reply_to !== undefined;
    if (!isAnswer || epoch === undefined || !this.#options.takesEpoch()) return command;
    return { ...command, epoch };
  }

  #flushAll(): void {
    for (const room_id of new Set(this.items.value.map(({ command }) => command.room_id)))
      this.flush(room_id);
  }

  /** A time after those of all other commands, because commands are sorted by time. */
  #nextAt(): number {
    const last = this.items.value.at(-1);
    return Math.max(this.#options.clock.now(), last ? Date.parse(last.at) + 1 : 0);
  }

  #overdue(ref: string, room_id: string): void {
    const { clock, onSilence } = this.#options;
    const due = clock.now() + ACK_TIMEOUT_MILLISECONDS;
    this.#timers.arm(ref, ACK_TIMEOUT_MILLISECONDS, () => {
      // After a sleep, the ack may have arrived without having been read.
      if (clock.now() - due > SLEEP_MILLISECONDS) this.#overdue(ref, room_id);
      else {
        this.#fail(ref, 'The server did not answer in time.');
        this.flush(room_id);
      }
    });
    onSilence();
  }

  #fail(ref: string, error: string): void {
    const item = this.#find(ref);
    if (!item) return;
    this.#timers.disarm(ref);
    this.#change(ref, { state: 'failed', error });
    this.#keep(ref);
  }

  /** A change that was stored may be gone after a restore, as everything may. So it is only forgotten. */
  #giveUp(item: PendingChange, error: string): void {
    this.#drop(item);
    if (item.state === 'stored') return;
    this.dropped.value = [...this.dropped.value, { command: item.command, error }];
  }

  #drop({ command: { ref }, state }: Pending): void {
    this.#timers.disarm(ref);
    if (state !== 'stored') this.#options.store.delete(ref);
    this.items.value = this.items.value.filter(({ command }) => command.ref !== ref);
  }

  #change(ref: string, change: Partial<Pending>): void {
    this.items.value = this.items.value.map((item) =>
      item.command.ref === ref ? { ...item, ...change } : item,
    );
  }

  #keep(ref: string): void {
    const item = this.#find(ref);
    if (item) this.#options.store.put(this.#options.user_id, item);
  }

  #find(ref: string): Pending | undefined {
    return this.items.value.find(({ command }) => command.ref === ref);
  }
}

/** The name of what is paused where slow mode keeps the messages of a room waiting. */
function slow(room_id: string): string {
  return `slow ${room_id}`;
}
