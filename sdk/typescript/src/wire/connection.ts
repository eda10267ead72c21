import type { Cell, MakeCell } from '../cell.ts';
import type { Clock } from '../clock.ts';
import { Timers } from '../timers.ts';
import { jitter } from './backoff.ts';
import { type CloseRule, closeRule } from './close_codes.ts';
import type { Command } from './commands.ts';
import { Problem } from './problem.ts';
import { parseEvent, type ReadyEvent, type ServerEvent } from './protocol.ts';

// The time from opening the socket to `ready`. The server closes a silent connection after 5 s.
const READY_TIMEOUT_MILLISECONDS = 10_000;
const PONG_TIMEOUT_MILLISECONDS = 5_000;
// After this time a connection counts as stable, and the backoff starts over.
const STEADY_MILLISECONDS = 10_000;
// Browsers delay the timers of a hidden page by up to a minute. A longer delay means that the
// machine slept.
const SLEEP_MILLISECONDS = 65_000;
const RENEWAL_RETRY_MILLISECONDS = 5_000;
const MINIMUM_RENEWAL_MILLISECONDS = 1_000;
// After an overload, the wait is random(0, 8 s) or more. A rate limit without a time is waited out
// for 10 s.
const BACK_OFF_ATTEMPT = 4;
const MINIMUM_WAIT_SECONDS = 10;
const OFFLINE_ATTEMPT = 4;

export type ConnectionState =
  | { phase: 'connecting' }
  | { phase: 'live' }
  | { phase: 'waiting'; retry_at: number; text: string; browser_offline: boolean }
  | { phase: 'stopped'; text: string; code: number };

export interface SocketLike {
  send(frame: string): void;
  close(code?: number): void;
  // The type is `never`, because a browser's handlers take more than is used here.
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
}

export type SocketConstructor = new (url: string) => SocketLike;

export interface ConnectionOptions {
  url: string;
  clock: Clock;
  WebSocket: SocketConstructor;
  cell: MakeCell;
  /** A usable access token. With `refused`, a token other than that one. Fails with a Problem. */
  token(refused?: string): Promise<string>;
  /** Milliseconds until the access token should be renewed. */
  renewIn(): number;
  isOnline(): boolean;
  onReady(event: ReadyEvent): void;
  onEvent(event: ServerEvent): void;
  onLost(): void;
  /** The session has ended. `text` says why; it is null where the token simply expired. */
  onSessionEnded(text: string | null): void;
}

/**
 * The only WebSocket of a client. It signs in, renews the token, notices a dead connection, and
 * reconnects with jitter.
 */
export class Connection {
  readonly state: Cell<ConnectionState>;
  readonly #options: ConnectionOptions;
  #socket: SocketLike | null = null;
  #generation = 0;
  #attempt = 0;
  #token: string | undefined;
  #refused: string | undefined;
  #heartbeatMilliseconds = 0;
  #heard = false;
  #rateWaitSeconds = 0;
  readonly #timers: Timers;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.state = options.cell({ phase: 'connecting' });
    this.#timers = new Timers(options.clock);
  }

  get isLive(): boolean {
    return this.state.value.phase === 'live';
  }

  start(): void {
    void this.#open();
  }

  /** Closes the connection for good: the user logs out. */
  stop(): void {
    this.#hangUp();
    this.#timers.disarmAll();
  }

  /** Connects now, because the user asked or the network is back. The backoff starts over. */
  tryNow(): void {
    this.#attempt = 0;
    if (this.isLive) this.probe();
    else if (this.state.value.phase !== 'connecting') void this.#open();
  }

  /**
   * The page is visible again. Meanwhile its timers may have slept and the connection may have
   * died.
   */
  woke(): void {
    const { phase } = this.state.value;
    if (phase === 'live') this.probe();
    else if (phase === 'waiting') void this.#open();
  }

  /** The browser says that there is no network, before a timeout shows it. */
  browserOffline(): void {
    if (this.state.value.phase === 'stopped') return;
    this.#hangUp();
    this.#comeBack('You are offline.', 0);
  }

  /** Sends a ping. A connection that does not answer it is replaced. */
  probe(): void {
    if (!this.isLive) return;
    this.#write({ type: 'ping' });
    this.#timers.arm('pong', PONG_TIMEOUT_MILLISECONDS, () => {
      this.#hangUp();
      this.#comeBack('The connection went silent.', 0);
    });
  }

  /** Whether the command was sent. */
  send(command: Command): boolean {
    return this.isLive && this.#write(command);
  }

  async #open(): Promise<void> {
    this.#hangUp();
    this.#timers.disarmAll();
    const generation = this.#generation;
    this.state.value = { phase: 'connecting' };
    let token: string;
    try {
      token = await this.#options.token(this.#refused);
    } catch (error) {
      if (generation !== this.#generation) return;
      if (error instanceof Problem && !error.temporary) this.#options.onSessionEnded(null);
      else this.#comeBack('The server cannot be reached.', this.#attempt++);
      return;
    }
    if (generation !== this.#generation) return;
    this.#refused = undefined;
    const socket = new this.#options.WebSocket(this.#options.url);
    this.#socket = socket;
    this.#timers.arm('ready', READY_TIMEOUT_MILLISECONDS, () => {
      this.#hangUp();
      this.#comeBack('The server did not answer.', this.#attempt++);
    });
    socket.onopen = () => {
      if (socket === this.#socket) this.#authenticate(token);
    };
    socket.onmessage = ({ data }: { data: unknown }) => {
      if (socket === this.#socket) this.#receive(data);
    };
    socket.onclose = ({ code }: { code: number }) => {
      if (socket === this.#socket) this.#closed(code);
    };
  }

  #authenticate(token: string): void {
    this.#token = token;
    this.#write({ type: 'authenticate', token });
  }

  #receive(data: unknown): void {
    this.#heard = true;
    this.#timers.disarm('pong');
    const event = parseEvent(data);
    if (!event) return;
    if (event.type === 'ready') this.#ready(event);
    else if (event.type === 'expiring') void this.#renew();
    else {
      if (event.type === 'error' && event.code === 'rate_limited')
        this.#rateWaitSeconds = event.retry_after_seconds ?? 0;
      this.#options.onEvent(event);
    }
  }

  #ready(event: ReadyEvent): void {
    const renewIn = Math.max(MINIMUM_RENEWAL_MILLISECONDS, this.#options.renewIn());
    this.#timers.arm('renew', renewIn, () => void this.#renew());
    // A second `ready` answers a renewal of the token. The subscriptions still hold.
    if (this.isLive) return;
    this.#timers.disarm('ready');
    this.#heartbeatMilliseconds = Math.max(1, event.heartbeat_seconds) * 1000;
    this.#timers.arm('steady', STEADY_MILLISECONDS, () => {
      this.#attempt = 0;
    });
    this.#watch();
    this.state.value = { phase: 'live' };
    this.#options.onReady(event);
  }

  /**
   * Sends a ping when nothing came for longer than the heartbeat allows, and after sleep. What was
   * heard before sleep says nothing about the connection now.
   */
  #watch(): void {
    const { clock } = this.#options;
    const wait = this.#heartbeatMilliseconds * 1.5;
    const due = clock.now() + wait;
    this.#heard = false;
    this.#timers.arm('watch', wait, () => {
      if (!this.#heard || clock.now() - due > SLEEP_MILLISECONDS) this.probe();
      this.#watch();
    });
  }

  async #renew(): Promise<void> {
    const socket = this.#socket;
    try {
      const token = await this.#options.token(this.#token);
      if (socket === this.#socket && socket) this.#authenticate(token);
    } catch (error) {
      if (socket !== this.#socket) return;
      if (error instanceof Problem && !error.temporary) this.#options.onSessionEnded(null);
      else this.#timers.arm('renew', RENEWAL_RETRY_MILLISECONDS, () => void this.#renew());
    }
  }

  #closed(code: number): void {
    const rule = closeRule(code);
    this.#hangUp();
    switch (rule.action) {
      case 'log_in':
      case 'stop':
        this.#timers.disarmAll();
        this.state.value = { phase: 'stopped', text: rule.text, code };
        if (rule.action === 'log_in') this.#options.onSessionEnded(rule.text);
        return;
      case 'wait':
        this.#waitOut(rule);
        return;
      case 'refresh':
        this.#refused = this.#token;
        break;
      case 'back_off':
        this.#attempt = Math.max(this.#attempt, BACK_OFF_ATTEMPT);
        break;
    }
    this.#comeBack(rule.text, this.#attempt++);
  }

  #waitOut({ text }: CloseRule): void {
    const seconds = Math.max(MINIMUM_WAIT_SECONDS, this.#rateWaitSeconds);
    this.#rateWaitSeconds = 0;
    this.#comeBack(text, this.#attempt++, seconds * 1000);
  }

  #comeBack(text: string, attempt: number, atLeast = 0): void {
    this.#timers.disarmAll();
    const { clock } = this.#options;
    const offline = !this.#options.isOnline();
    // Without a network, frequent attempts are of no use. The browser says when the network is
    // back.
    const wait = atLeast + jitter(offline ? Math.max(attempt, OFFLINE_ATTEMPT) : attempt, clock);
    this.state.value = {
      phase: 'waiting',
      retry_at: clock.now() + wait,
      text,
      browser_offline: offline,
    };
    this.#timers.arm('retry', wait, () => void this.#open());
  }

  /** Closes the socket and ignores whatever still comes from it. */
  #hangUp(): void {
    this.#generation++;
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    const wasLive = this.isLive;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close(1000);
    if (wasLive) {
      this.state.value = { phase: 'connecting' };
      this.#options.onLost();
    }
  }

  #write(command: Command): boolean {
    try {
      this.#socket?.send(JSON.stringify(command));
      return this.#socket !== null;
    } catch {
      return false;
    }
  }
}
