import { watchedCells } from '../cell.ts';
import { type Clock, systemClock } from '../clock.ts';
import { Outbox } from '../rooms/outbox.ts';
import { Timers } from '../timers.ts';
import { jitter } from '../wire/backoff.ts';
import { Connection, type SocketConstructor } from '../wire/connection.ts';
import { Problem } from '../wire/problem.ts';
import {
  type EntryEvent,
  isEntry,
  type MembershipEvent,
  type Position,
  type Room,
  type ServerEvent,
} from '../wire/protocol.ts';
import { Subscriptions } from '../wire/subscriptions.ts';
import { Absence } from './absence.ts';
import { ClientApi } from './api.ts';
import { Consumer } from './consumer.ts';
import { KeptOutbox } from './outbox_store.ts';
import { patiently } from './patience.ts';
import { Positions } from './positions.ts';
import { NotSent, type SendOptions, type Sent } from './sent.ts';
import { Session } from './session.ts';
import { MemoryStore, type Store } from './store.ts';

/** What a client is told of the rooms that it follows. */
export type ClientEvent =
  | { type: 'ready' }
  /** An entry of the log: each once, in the order of its `seq`. */
  | { type: 'entry'; room_id: string; epoch: string; seq: number; entry: EntryEvent }
  /** All that was missed in the room has come. */
  | { type: 'live'; room_id: string; epoch: string; seq: number }
  /** What is known of the room does not hold any more. Load its history again. */
  | { type: 'reset'; room_id: string; epoch: string; seq: number }
  /** The room cannot be followed. */
  | { type: 'unsubscribed'; room_id: string; code: string }
  /** What is no entry and may be lost: typing, presence, receipts, notices and the like. */
  | { type: 'signal'; signal: ServerEvent }
  /** The client does not come back by itself. */
  | { type: 'ended'; text: string };

export interface ClientOptions {
  /** The address of the server. */
  url: string;
  /** The token of a program, `twt_...`, or how a person logs in. */
  credentials: string | { username: string; password: string };
  onEvent(event: ClientEvent): void;
  /** Where tokens, positions and messages without an ack outlast the program. Without one nothing does. */
  store?: Store;
  fetch?: typeof fetch;
  WebSocket?: SocketConstructor;
  clock?: Clock;
  /** Whether there may be a network. Without one the client tries less often. */
  isOnline?(): boolean;
}

interface Waiting {
  sent(sent: Sent): void;
  failed(error: Error): void;
}

/** A client of one server, as one user, over one socket. */
export class Client {
  /** Requests over HTTP, by noun. Each fails with a Problem only. */
  readonly api: ClientApi;
  readonly #options: ClientOptions;
  readonly #clock: Clock;
  readonly #session: Session;
  readonly #positions: Positions;
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly #absence: Absence;
  readonly #outbox: Outbox;
  readonly #timers: Timers;
  /** The rooms that are followed; those that were refused are none of them. */
  readonly #followed = new Set<string>();
  readonly #waiting = new Map<string, Waiting>();
  /** The code with which the server last refused a message, by its ref. */
  readonly #codes = new Map<string, string>();
  #phase: 'new' | 'open' | 'ended' = 'new';

  constructor(options: ClientOptions) {
    const { fetch = globalThis.fetch, WebSocket = globalThis.WebSocket, store } = options;
    if (!WebSocket)
      throw new TypeError(
        'There is no WebSocket here: give one. Node 20 has it with --experimental-websocket.',
      );
    const clock = options.clock ?? systemClock;
    const kept = store ?? new MemoryStore();
    const url = options.url.endsWith('/') ? options.url : `${options.url}/`;
    this.#options = options;
    this.#clock = clock;
    this.#timers = new Timers(clock);
    this.#session = new Session(clock, kept);
    this.#positions = new Positions(clock, kept);
    this.api = new ClientApi(url, this.#session, fetch.bind(globalThis));
    this.#subscriptions = new Subscriptions({
      clock,
      makeRef,
      send: (command) => this.#connection.send(command),
      position: (room_id) => this.#positions.get(room_id),
      onRefused: (room_id) => this.#refused(room_id, 'not_found'),
    });
    this.#absence = new Absence({
      clock,
      sync: this.api.sync,
      position: (room_id) => this.#positions.get(room_id),
      isWaiting: (room_id) => this.#followed.has(room_id) && !this.#subscriptions.has(room_id),
      take: (event) => this.#phase === 'open' && this.#take(event),
    });
    this.#outbox = new Outbox({
      user_id: 'self',
      store: new KeptOutbox(kept),
      clock,
      makeRef,
      cell: watchedCells(() => this.#settle()),
      epochOf: (room_id) => this.#positions.get(room_id)?.epoch,
      transmit: (command) => this.#isSendable(command.room_id) && this.#connection.send(command),
      takesEpoch: () => true,
      isStored: () => false,
      onSilence: () => this.#connection.probe(),
      onSlow: () => {},
    });
    this.#connection = new Connection({
      url: this.api.socketUrl,
      clock,
      WebSocket,
      cell: watchedCells(() => this.#moved()),
      token: (refused) => this.#token(refused),
      renewIn: () => this.#session.renewIn,
      isOnline: () => options.isOnline?.() ?? true,
      onReady: ({ limits }) => this.#ready(limits?.subscriptions),
      onEvent: (event) => this.#take(event),
      onLost: () => this.#lost(),
      onSessionEnded: (text) => this.#end(text ?? 'The session has ended.'),
    });
  }

  /** Logs in, or goes on with the session of the run before. Fails with a Problem where that is refused. */
  async start(): Promise<void> {
    const { credentials } = this.#options;
    await this.#positions.load();
    if (typeof credentials === 'string') this.#session.useProgramToken(credentials);
    else if (!(await this.#session.restore()))
      await patiently(this.#clock, () =>
        this.api.sessions.logIn(credentials.username, credentials.password),
      );
    this.#phase = 'open';
    this.#outbox.start();
    this.#connection.start();
  }

  /** Ends the socket, and keeps what outlasts the program. */
  async stop(): Promise<void> {
    this.#phase = 'ended';
    this.#timers.disarmAll();
    this.#connection.stop();
    this.#outbox.stop();
    await this.#positions.keep();
  }

  /** Follows rooms: from the position that was kept, or from now. */
  follow(...room_ids: string[]): void {
    for (const room_id of room_ids) this.#followed.add(room_id);
    void this.#absence.tell(room_ids).then(() => {
      for (const room_id of room_ids) this.#want(room_id);
    });
  }

  /** Follows no more. */
  leave(room_id: string): void {
    this.#followed.delete(room_id);
    this.#timers.disarm(room_id);
    this.#subscriptions.remove(room_id);
  }

  /**
   * Sends a message, and resolves when it is stored: once, however often it had to be sent. Messages to a room keep
   * the order of the calls. Fails with NotSent.
   */
  send(room_id: string, body: string, { reply_to, epoch }: SendOptions = {}): Promise<Sent> {
    if (this.#phase === 'ended') return Promise.reject(new NotSent('ended'));
    const ref = makeRef();
    return new Promise((sent, failed) => {
      this.#waiting.set(ref, { sent, failed });
      this.#outbox.add({
        ...{ type: 'send', room_id, ref, body },
        ...(reply_to !== undefined && { reply_to }),
        ...(epoch !== undefined && { epoch }),
      });
    });
  }

  /** All rooms of the user. */
  async rooms(): Promise<Room[]> {
    const found: Room[] = [];
    let cursor: string | undefined;
    do {
      const page = await patiently(this.#clock, () => this.api.rooms.list('mine', cursor));
      found.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    return found;
  }

  /** A reader whose position the server keeps. */
  consumer(name: string): Consumer {
    return new Consumer(this.api.requests, this.#clock, name);
  }

  // -- the connection

  /** A token for a socket. Where the client was away for long, it first tells what it has missed. */
  async #token(refused: string | undefined): Promise<string> {
    const { access } = this.api;
    const token = await (refused === undefined ? access.fresh() : access.instead(refused));
    await this.#absence.ends(this.#followed);
    return token;
  }

  #ready(subscriptions: number | undefined): void {
    this.#absence.ended();
    this.#subscriptions.start(subscriptions);
    this.#tell({ type: 'ready' });
    for (const { command } of this.#outbox.items.peek()) this.#outbox.flush(command.room_id);
  }

  #lost(): void {
    this.#absence.began();
    this.#subscriptions.lost();
    this.#outbox.lost();
  }

  /** The state of the connection has changed. */
  #moved(): void {
    const state = this.#connection?.state.peek();
    if (state?.phase === 'stopped') this.#end(state.text);
  }

  #end(text: string): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#outbox.stop();
    for (const { failed } of this.#waiting.values()) failed(new NotSent('ended'));
    this.#waiting.clear();
    this.#tell({ type: 'ended', text });
  }

  // -- rooms

  #want(room_id: string): void {
    if (!this.#followed.has(room_id)) return;
    if (this.#positions.get(room_id)) this.#subscriptions.want(room_id);
    else void this.#begin(room_id, 0);
  }

  /** Finds out where a room is that was never followed. */
  async #begin(room_id: string, attempt: number): Promise<void> {
    try {
      const { epoch, seq } = await this.api.rooms.get(room_id);
      if (!this.#followed.has(room_id)) return;
      this.#positions.set(room_id, { epoch, seq });
      this.#subscriptions.want(room_id);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (!error.temporary) this.#refused(room_id, error.code);
      else {
        const wait = (error.retryAfterSeconds ?? 0) * 1000 + jitter(attempt, this.#clock);
        this.#timers.arm(room_id, wait, () => void this.#begin(room_id, attempt + 1));
      }
    }
  }

  #refused(room_id: string, code: string): void {
    if (this.#followed.delete(room_id)) this.#tell({ type: 'unsubscribed', room_id, code });
  }

  #take(event: ServerEvent): void {
    if (isEntry(event)) {
      this.#entry(event);
      return;
    }
    switch (event.type) {
      case 'ack':
        if (event.seq == null || event.epoch == null) return;
        this.#outbox.acked(event.ref, { epoch: event.epoch, seq: event.seq });
        return;
      case 'error':
        if (this.#subscriptions.refused(event) || !event.ref) return;
        this.#codes.set(event.ref, event.code);
        this.#outbox.refused(event.ref, event);
        return;
      case 'live':
        if (this.#isAt(event.room_id, event)) this.#live('live', event.room_id, event);
        else this.#live('reset', event.room_id, event);
        return;
      case 'reset':
        this.#live('reset', event.room_id, event);
        return;
      case 'membership':
        this.#membership(event);
        return;
      case 'heartbeat':
      case 'pong':
        return;
      default:
        this.#tell({ type: 'signal', signal: event });
    }
  }

  #entry(entry: EntryEvent): void {
    const { room_id, seq } = entry;
    const position = this.#positions.get(room_id);
    if (!position || !this.#followed.has(room_id) || seq <= position.seq) return;
    if (seq > position.seq + 1) {
      this.#subscriptions.resume(room_id);
      return;
    }
    const { epoch } = position;
    this.#positions.set(room_id, { epoch, seq });
    this.#tell({ type: 'entry', room_id, epoch, seq, entry });
    if (entry.type === 'message' && entry.ref) {
      this.#stored(entry.ref, { room_id, epoch, seq });
      this.#outbox.settle(entry.ref);
    }
  }

  /** The room is live, from its position on or from another one. */
  #live(type: 'live' | 'reset', room_id: string, { epoch, seq }: Position): void {
    if (!this.#followed.has(room_id)) return;
    this.#positions.set(room_id, { epoch, seq });
    this.#subscriptions.wentLive(room_id);
    this.#tell({ type, room_id, epoch, seq });
    this.#outbox.settleUpTo(room_id, { epoch, seq });
    this.#outbox.flush(room_id);
  }

  #membership(event: MembershipEvent): void {
    const { room_id, role } = event;
    if (this.#followed.has(room_id)) {
      if (role == null) this.#subscriptions.remove(room_id);
      else this.#subscriptions.want(room_id);
    }
    this.#tell({ type: 'signal', signal: event });
  }

  #isAt(room_id: string, { epoch, seq }: Position): boolean {
    const position = this.#positions.get(room_id);
    return position?.epoch === epoch && position.seq === seq;
  }

  // -- messages

  /** A message waits until its room is live, so that its entry is not missed. */
  #isSendable(room_id: string): boolean {
    return !this.#followed.has(room_id) || this.#subscriptions.isLive(room_id);
  }

  /** The outbox has changed: tells those who wait what became of their messages. */
  #settle(): void {
    for (const { command, state, epoch, seq } of this.#outbox?.items.peek() ?? []) {
      const waiting = this.#waiting.get(command.ref);
      if (state === 'stored' && seq !== null && epoch !== undefined)
        this.#stored(command.ref, { room_id: command.room_id, epoch, seq });
      if (!waiting || state !== 'failed') continue;
      this.#waiting.delete(command.ref);
      waiting.failed(new NotSent(this.#codes.get(command.ref) ?? 'timeout'));
      this.#codes.delete(command.ref);
      queueMicrotask(() => this.#outbox.discard(command.ref));
    }
  }

  #stored(ref: string, sent: Sent): void {
    this.#waiting.get(ref)?.sent(sent);
    this.#waiting.delete(ref);
    this.#codes.delete(ref);
  }

  #tell(event: ClientEvent): void {
    this.#options.onEvent(event);
  }
}

/** 128 random bits. */
function makeRef(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
