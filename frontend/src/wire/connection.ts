import { signal } from '@preact/signals';
import type { Clock } from '../browser/clock';
import { Timers } from '../browser/timers';
import { jitter } from './backoff';
import { type CloseRule, closeRule } from './close_codes';
import { Problem } from './problem';
import { type Command, parseEvent, type ReadyEvent, type ServerEvent } from './protocol';

// From opening the socket to `ready`; the server itself gives up on silence after 5 s.
const READY_TIMEOUT_MILLISECONDS = 10_000;
const PONG_TIMEOUT_MILLISECONDS = 5_000;
// A connection that lives this long has earned a fresh backoff.
const STEADY_MILLISECONDS = 10_000;
// Browsers let the timers of a hidden page wait for a minute; this late is sleep.
const SLEEP_MILLISECONDS = 65_000;
const RENEWAL_RETRY_MILLISECONDS = 5_000;
const MINIMUM_RENEWAL_MILLISECONDS = 1_000;
// Backing off starts at random(0, 8 s); a rate limit that names no wait costs at least 10 s.
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
  // `never` where a browser's own handlers take more than is used here.
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
}

export type SocketConstructor = new (url: string) => SocketLike;

export interface ConnectionOptions {
  url: string;
  clock: Clock;
  WebSocket: SocketConstructor;
  /** A usable access token; with `refused`, another one than that. Fails with a Problem. */
  token(refused?: string): Promise<string>;
  /** Milliseconds until the token wants renewing. */
  renewIn(): number;
  isOnline(): boolean;
  onReady(event: ReadyEvent): void;
  onEvent(event: ServerEvent): void;
  onLost(): void;
  /** The session is over, with the words to say so; null where the token simply expired. */
  onSessionEnded(text: string | null): void;
}

/** The only WebSocket: opens it, signs in, renews, notices when it died, and comes back with jitter. */
export class Connection {
  readonly state = signal<ConnectionState>({ phase: 'connecting' });
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
    this.#timers = new Timers(options.clock);
  }

  get isLive(): boolean {
    return this.state.value.phase === 'live';
  }

  start(): void {
    void this.#open();
  }

  /** Ends it for good and without a word: the user logs out. */
  stop(): void {
    this.#hangUp();
    this.#timers.disarmAll();
  }

  /** Now, on the user's word or because the network came back; backoff starts over. */
  tryNow(): void {
    this.#attempt = 0;
    if (this.isLive) this.probe();
    else if (this.state.value.phase !== 'connecting') void this.#open();
  }

  /** The page is looked at again: timers may have slept, and the connection died, meanwhile. */
  woke(): void {
    const { phase } = this.state.value;
    if (phase === 'live') this.probe();
    else if (phase === 'waiting') void this.#open();
  }

  /** The browser knows before any timeout does. */
  browserOffline(): void {
    if (this.state.value.phase === 'stopped') return;
    this.#hangUp();
    this.#comeBack('You are offline.', 0);
  }

  /** Asks a connection that looks alive to prove it, as after sleep. */
  probe(): void {
    if (!this.isLive) return;
    this.#write({ type: 'ping' });
    this.#timers.arm('pong', PONG_TIMEOUT_MILLISECONDS, () => {
      this.#hangUp();
      this.#comeBack('The connection went silent.', 0);
    });
  }

  /** Whether the command left. */
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
    // A second `ready` answers a renewal: subscriptions stand, nothing starts over.
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
   * Silence for longer than the server's heartbeat allows is a reason to ask, and so is sleep: what
   * was heard before it says nothing about now.
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
    // Trying often is no use without a network, and the browser says when it is back.
    const wait = atLeast + jitter(offline ? Math.max(attempt, OFFLINE_ATTEMPT) : attempt, clock);
    this.state.value = {
      phase: 'waiting',
      retry_at: clock.now() + wait,
      text,
      browser_offline: offline,
    };
    this.#timers.arm('retry', wait, () => void this.#open());
  }

  /** Lets go of the socket; whatever it still says is not heard. */
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
