import { batch, type Signal } from '@preact/signals';
import type { Clock } from '../browser/clock';
import { Timers } from '../browser/timers';
import type { RoomsApi } from '../wire/api/rooms';
import { Problem } from '../wire/problem';
import type { Room, Visibility } from '../wire/protocol';
import type { Subscriptions } from '../wire/subscriptions';
import type { History } from './history';
import type { Outbox } from './outbox';
import type { Reading } from './reading';
import { caughtUp, type Rooms } from './rooms';
import type { Timelines } from './timelines';

// When the connection becomes ready, a list that is younger than this is not loaded again.
const FRESH_LIST_MILLISECONDS = 2_000;
const RETRY_LIST_MILLISECONDS = 3_000;

interface MembershipOptions {
  user_id: string;
  api: RoomsApi;
  clock: Clock;
  rooms: Rooms;
  timelines: Timelines;
  subscriptions: Subscriptions;
  history: History;
  reading: Reading;
  outbox: Outbox;
  openRoomId: Signal<string | null>;
  /** The server refuses the user's tokens. */
  onExpired(): void;
}

/** Which rooms the user belongs to: lists, opens, joins and leaves them. */
export class Membership {
  readonly #to: MembershipOptions;
  readonly #timers: Timers;
  #listedAt = Number.NEGATIVE_INFINITY;

  constructor(options: MembershipOptions) {
    this.#to = options;
    this.#timers = new Timers(options.clock);
  }

  stop(): void {
    this.#timers.disarmAll();
  }

  /**
   * The connection is ready. Only the list tells which rooms changed while there was no connection.
   */
  connected(): void {
    if (this.#to.clock.now() - this.#listedAt > FRESH_LIST_MILLISECONDS) void this.load();
  }

  async load(): Promise<void> {
    this.#timers.disarm('list');
    this.#listedAt = this.#to.clock.now();
    try {
      const list = await this.#all();
      batch(() => this.#listed(list));
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        this.#to.onExpired();
        return;
      }
      this.#to.rooms.failed.value = true;
      this.#timers.arm('list', RETRY_LIST_MILLISECONDS, () => void this.load());
    }
  }

  /** Opens a room on the screen, or none. */
  open(id: string | null): void {
    const { openRoomId, timelines } = this.#to;
    const before = openRoomId.peek();
    if (before === id) return;
    if (before) timelines.rest(before);
    batch(() => {
      openRoomId.value = id;
      if (id) this.#opened(id);
    });
  }

  async create(name: string, visibility: Visibility, topic: string): Promise<Room> {
    return this.#joined(await this.#to.api.create(name, visibility, topic));
  }

  async join(id: string): Promise<Room> {
    return this.#joined(await this.#to.api.join(id));
  }

  async leave(id: string): Promise<void> {
    await this.#to.api.leave(id);
    batch(() => this.removed(id));
  }

  lookUp(id: string): Promise<Room> {
    return this.#to.api.get(id);
  }

  removed(id: string): void {
    const { outbox, rooms, subscriptions, timelines } = this.#to;
    subscriptions.remove(id);
    rooms.remove(id);
    timelines.remove(id);
    outbox.failRoom(id, 'You are no longer a member of this room.');
  }

  /** Loads a room that is new to the user, or that changed. */
  refresh(id: string): void {
    this.lookUp(id).then(
      (room) => this.#joined(room),
      () => {},
    );
  }

  async #all(): Promise<Room[]> {
    const list: Room[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#to.api.list('mine', cursor);
      list.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    return list;
  }

  #listed(list: readonly Room[]): void {
    const { openRoomId, rooms, subscriptions } = this.#to;
    const first = !rooms.loaded.peek();
    for (const id of rooms.replace(list.map((room) => this.#caughtUp(room)))) this.removed(id);
    for (const { id } of rooms.sorted.peek()) subscriptions.want(id);
    const open = openRoomId.peek();
    if (first && open) this.#opened(open);
  }

  #opened(id: string): void {
    const { history, reading, rooms, subscriptions } = this.#to;
    if (!rooms.get(id)) return;
    subscriptions.want(id, true);
    reading.opened(id);
    history.open(id);
  }

  #joined(room: Room): Room {
    const { openRoomId, rooms, subscriptions } = this.#to;
    batch(() => {
      rooms.put(this.#caughtUp(room));
      subscriptions.want(room.id);
      if (openRoomId.peek() === room.id) this.#opened(room.id);
    });
    return room;
  }

  #caughtUp(room: Room): Room {
    const { rooms, timelines, user_id } = this.#to;
    const timeline = timelines.ensure(room.id, room).peek();
    return caughtUp(room, rooms.get(room.id), timeline, user_id);
  }
}
