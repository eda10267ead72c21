import { batch, effect, type ReadonlySignal, signal } from '@preact/signals';
import { Logins } from './account/logins';
import { Takeout } from './account/takeout';
import type { Clock } from './browser/clock';
import { Directory } from './rooms/directory';
import { Drafts } from './rooms/drafts';
import { History } from './rooms/history';
import { Inbox } from './rooms/inbox';
import { Members } from './rooms/members';
import { Names } from './rooms/names';
import { Outbox, type OutboxStore } from './rooms/outbox';
import { People } from './rooms/people';
import { Reading } from './rooms/reading';
import { caughtUp, Rooms } from './rooms/rooms';
import { holds, position } from './rooms/timeline';
import { Timelines } from './rooms/timelines';
import { Typing } from './rooms/typing';
import type { Api } from './wire/api/api';
import { Connection, type SocketConstructor } from './wire/connection';
import { Problem } from './wire/problem';
import type { Room, Visibility } from './wire/protocol';
import { Subscriptions } from './wire/subscriptions';

// A list this fresh need not be asked for again when the connection becomes ready.
const FRESH_LIST_MILLISECONDS = 2_000;
const RETRY_LIST_MILLISECONDS = 3_000;
const BODY_CHARACTERS = 4_000;

export interface SessionOptions {
  user_id: string;
  api: Api;
  clock: Clock;
  storage: Storage;
  outboxStore: OutboxStore;
  focused: ReadonlySignal<boolean>;
  token(refused?: string): Promise<string>;
  renewIn(): number;
  WebSocket: SocketConstructor;
  isOnline(): boolean;
  makeRef(): string;
  onEnded(text: string | null): void;
}

/** What lives as long as a login: the user's rooms, kept live over one connection. */
export class Session {
  readonly user_id: string;
  readonly rooms = new Rooms();
  readonly timelines = new Timelines();
  readonly names = new Names();
  readonly members: Members;
  readonly people: People;
  readonly logins: Logins;
  readonly takeout: Takeout;
  readonly directory: Directory;
  readonly outbox: Outbox;
  readonly drafts: Drafts;
  readonly history: History;
  readonly reading: Reading;
  readonly typing: Typing;
  readonly connection: Connection;
  readonly openRoomId = signal<string | null>(null);
  readonly bodyLimit = signal(BODY_CHARACTERS);
  /** What the server can do, by name: docs/protocol.md lists the names. A server that tells none has none. */
  readonly features = signal<ReadonlySet<string>>(new Set());
  readonly #options: SessionOptions;
  readonly #subscriptions: Subscriptions;
  #listedAt = Number.NEGATIVE_INFINITY;
  #cancelRetry: () => void = () => {};
  #stopMarking: () => void = () => {};

  constructor(options: SessionOptions) {
    this.#options = options;
    const { api, clock, storage, focused, makeRef, user_id } = options;
    const { rooms, timelines } = this;
    this.user_id = user_id;
    this.members = new Members(api, this.names);
    this.people = new People(api.users, clock);
    this.logins = new Logins(api.sessions);
    this.takeout = new Takeout(api.account);
    this.directory = new Directory(api.rooms);
    this.drafts = new Drafts(storage, user_id);
    this.reading = new Reading({ api: api.rooms, clock, rooms, timelines, user_id, focused });
    this.typing = new Typing({
      clock,
      user_id,
      makeRef,
      send: (command) => this.connection.send(command),
    });
    this.outbox = new Outbox({
      user_id,
      store: options.outboxStore,
      clock,
      makeRef,
      transmit: (command) =>
        this.#subscriptions.isLive(command.room_id) && this.connection.send(command),
      isStored: ({ command }) => {
        const timeline = timelines.get(command.room_id)?.peek();
        return timeline !== undefined && holds(timeline, user_id, command.ref);
      },
      onSilence: () => this.connection.probe(),
    });
    this.history = new History({
      messages: api.messages,
      timelines,
      onPage: (_, page) => {
        for (const { user_id: author, ref } of page.items)
          if (author === user_id && ref) this.outbox.settle(ref);
      },
      onForeignEpoch: (id) => this.#subscriptions.resume(id),
    });
    this.#subscriptions = new Subscriptions({
      clock,
      makeRef,
      send: (command) => this.connection.send(command),
      position: (id) => {
        const timeline = timelines.get(id)?.peek();
        return timeline && position(timeline);
      },
      onRefused: (id) => this.#removed(id),
    });
    const inbox = new Inbox({
      user_id,
      rooms,
      timelines,
      members: this.members,
      outbox: this.outbox,
      history: this.history,
      reading: this.reading,
      typing: this.typing,
      subscriptions: this.#subscriptions,
      openRoomId: this.openRoomId,
      onChanged: (id) => this.#refresh(id),
      onRemoved: (id) => this.#removed(id),
    });
    this.connection = new Connection({
      url: api.socketUrl,
      clock,
      WebSocket: options.WebSocket,
      token: options.token,
      renewIn: options.renewIn,
      isOnline: options.isOnline,
      onReady: ({ limits, features }) => {
        this.features.value = new Set(features);
        if (limits?.body_characters) this.bodyLimit.value = limits.body_characters;
        this.#subscriptions.start(limits?.subscriptions);
        if (clock.now() - this.#listedAt > FRESH_LIST_MILLISECONDS) void this.loadRooms();
      },
      onEvent: (event) => batch(() => inbox.handle(event)),
      onLost: () => {
        this.#subscriptions.lost();
        this.outbox.lost();
      },
      onSessionEnded: options.onEnded,
    });
  }

  start(): void {
    this.outbox.start();
    this.connection.start();
    void this.loadRooms();
    this.#stopMarking = effect(() => {
      const id = this.openRoomId.value;
      const timeline = id ? this.timelines.get(id)?.value : undefined;
      const read = id ? this.rooms.get(id)?.read_seq : undefined;
      if (id && timeline && this.reading.attentive.value && timeline.seq > (read ?? 0))
        this.reading.mark(id, timeline.seq);
    });
  }

  stop(): void {
    this.#stopMarking();
    this.#cancelRetry();
    this.reading.flush();
    this.connection.stop();
    this.outbox.stop();
  }

  /** Nothing that the user typed here stays behind. */
  forget(): void {
    this.outbox.forget();
    this.drafts.forget();
  }

  async loadRooms(): Promise<void> {
    this.#cancelRetry();
    this.#listedAt = this.#options.clock.now();
    try {
      const list: Room[] = [];
      let cursor: string | null = null;
      do {
        const page = await this.#options.api.rooms.list('mine', cursor ?? undefined);
        list.push(...page.items);
        cursor = page.next_cursor;
      } while (cursor);
      batch(() => this.#listed(list));
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        this.#options.onEnded(null);
        return;
      }
      this.rooms.failed.value = true;
      this.#cancelRetry = this.#options.clock.after(
        RETRY_LIST_MILLISECONDS,
        () => void this.loadRooms(),
      );
    }
  }

  /** The room on the screen; null for none. */
  open(id: string | null): void {
    const before = this.openRoomId.peek();
    if (before === id) return;
    if (before) this.timelines.rest(before);
    batch(() => {
      this.openRoomId.value = id;
      if (id) this.#opened(id);
    });
  }

  say(room_id: string, body: string, reply_to: number | null = null): void {
    batch(() => {
      this.reading.answered();
      this.outbox.add({ type: 'send', room_id, body, ...(reply_to && { reply_to }) });
    });
  }

  async create(name: string, visibility: Visibility, topic: string): Promise<Room> {
    return this.#joined(await this.#options.api.rooms.create(name, visibility, topic));
  }

  async join(id: string): Promise<Room> {
    return this.#joined(await this.#options.api.rooms.join(id));
  }

  async leave(id: string): Promise<void> {
    await this.#options.api.rooms.leave(id);
    batch(() => this.#removed(id));
  }

  lookUp(id: string): Promise<Room> {
    return this.#options.api.rooms.get(id);
  }

  #listed(list: readonly Room[]): void {
    const brought = list.map((room) => {
      const timeline = this.timelines.ensure(room.id, room).peek();
      return caughtUp(room, this.rooms.get(room.id), timeline, this.user_id);
    });
    const first = !this.rooms.loaded.peek();
    for (const id of this.rooms.replace(brought)) this.#removed(id);
    for (const { id } of this.rooms.sorted.peek()) this.#subscriptions.want(id);
    const open = this.openRoomId.peek();
    if (first && open) this.#opened(open);
  }

  #opened(id: string): void {
    if (!this.rooms.get(id)) return;
    this.#subscriptions.want(id, true);
    this.reading.opened(id);
    this.history.open(id);
  }

  #joined(room: Room): Room {
    batch(() => {
      const timeline = this.timelines.ensure(room.id, room).peek();
      this.rooms.put(caughtUp(room, this.rooms.get(room.id), timeline, this.user_id));
      this.#subscriptions.want(room.id);
      if (this.openRoomId.peek() === room.id) this.#opened(room.id);
    });
    return room;
  }

  #removed(id: string): void {
    this.#subscriptions.remove(id);
    this.rooms.remove(id);
    this.timelines.remove(id);
    this.outbox.failRoom(id, 'You are no longer a member of this room.');
  }

  /** Brings in a room that is new to us, or ours again with other facts. */
  #refresh(id: string): void {
    this.lookUp(id).then(
      (room) => this.#joined(room),
      () => {},
    );
  }
}
