import { batch, type Signal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import type { Outbox } from 'tailwire-client/rooms/outbox';
import { Timers } from 'tailwire-client/timers';
import type { RoomsApi } from 'tailwire-client/wire/api/rooms';
import { Problem } from 'tailwire-client/wire/problem';
import type { MembershipEvent, Room, Visibility } from 'tailwire-client/wire/protocol';
import type { Subscriptions } from 'tailwire-client/wire/subscriptions';
import type { Freshness } from '../browser/freshness';
import type { History } from './history';
import type { News } from './news';
import type { Reading } from './reading';
import type { Refreshes } from './refreshes';
import type { Rooms } from './rooms';
import type { Timelines } from './timelines';
import { merged } from './unread';

const RETRY_LIST_MILLISECONDS = 3_000;
const LIST = 'list';

interface MembershipOptions {
  user_id: string;
  api: RoomsApi;
  clock: Clock;
  freshness: Freshness;
  rooms: Rooms;
  timelines: Timelines;
  subscriptions: Subscriptions;
  history: History;
  reading: Reading;
  refreshes: Refreshes;
  news: News;
  outbox: Outbox;
  openRoomId: Signal<string | null>;
  /** It is called when rooms are asked for, and what it returns when they have come. */
  listing(): (rooms: readonly Room[]) => void;
  /** The server refuses the user's tokens. */
  onExpired(): void;
}

/**
 * Which rooms the user belongs to: lists, opens, joins and leaves them. A list shows how things were
 * when it was asked for. What came since stays, and the server is asked again for those rooms.
 */
export class Membership {
  readonly #to: MembershipOptions;
  readonly #timers: Timers;
  /** What the server said of the rooms that are asked for now. */
  readonly #entered = new Map<string, MembershipEvent>();

  constructor(options: MembershipOptions) {
    this.#to = options;
    this.#timers = new Timers(options.clock);
  }

  stop(): void {
    this.#timers.disarmAll();
  }

  /**
   * The connection is ready. Only a list that is asked for now tells which rooms changed while there
   * was no connection.
   */
  connected(): Promise<void> {
    return this.load();
  }

  async load(): Promise<void> {
    const { freshness, onExpired, rooms } = this.#to;
    this.#timers.disarm(LIST);
    const asked = freshness.ask();
    const listed = this.#to.listing();
    try {
      const list = await this.#all();
      if (!freshness.accepts(LIST, asked)) return;
      this.#timers.disarm(LIST);
      batch(() => {
        listed(list);
        this.#listed(list, asked);
      });
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        onExpired();
        return;
      }
      if (!freshness.accepts(LIST, asked)) return;
      rooms.failed.value = true;
      this.#timers.arm(LIST, RETRY_LIST_MILLISECONDS, () => void this.load());
    }
  }

  /** Asks for the present state of some rooms. Fails with a Problem. */
  async ask(room_ids: readonly string[]): Promise<void> {
    const { api, freshness, refreshes, rooms } = this.#to;
    const asked = freshness.ask();
    const listed = this.#to.listing();
    const among = await api.among(room_ids);
    const answers = new Map(among.map((room) => [room.id, room]));
    batch(() => {
      listed(among);
      for (const room_id of room_ids) {
        const answer = answers.get(room_id);
        if (freshness.isOutdated(room_id, asked)) refreshes.want(room_id);
        else if (answer) this.#take(answer);
        else if (rooms.get(room_id)) this.ended(room_id);
        this.#entered.delete(room_id);
      }
    });
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
    return this.#joined(this.#to.api.create(name, visibility, topic));
  }

  async join(id: string): Promise<Room> {
    return this.#joined(this.#to.api.join(id));
  }

  /** Opens the direct room of the user and these others. Where there is none, it is made. */
  async direct(user_ids: readonly string[]): Promise<Room> {
    return this.#joined(this.#to.api.direct(user_ids));
  }

  /** Uses an invite to a room. */
  async accept(code: string): Promise<Room> {
    return this.#joined(this.#to.api.accept(code));
  }

  async leave(id: string): Promise<void> {
    await this.#to.api.leave(id);
    batch(() => {
      this.#remove(id);
      this.#to.news.seen(id);
    });
  }

  lookUp(id: string): Promise<Room> {
    return this.#to.api.get(id);
  }

  /** The server tells that the user was added to a room or removed from it, or has another role. */
  heard(event: MembershipEvent): void {
    const { freshness, refreshes, rooms } = this.#to;
    const { room_id, role } = event;
    if (!role) {
      this.ended(room_id, event);
      return;
    }
    freshness.learned(room_id);
    if (rooms.get(room_id)) rooms.change(room_id, { role });
    else {
      this.#entered.set(room_id, event);
      refreshes.want(room_id);
    }
  }

  /** The user is no longer a member. `event` is what the server said, if it did. */
  ended(room_id: string, event?: MembershipEvent): void {
    const room = this.#to.rooms.get(room_id);
    if (room) this.#to.news.ended(room, event);
    this.#remove(room_id);
  }

  #remove(id: string): void {
    const { freshness, outbox, reading, rooms, subscriptions, timelines } = this.#to;
    freshness.learned(id);
    freshness.learned(ending(id));
    subscriptions.remove(id);
    rooms.remove(id);
    timelines.remove(id);
    reading.reset(id);
    outbox.failRoom(id, 'You are no longer a member of this room.');
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

  #listed(list: readonly Room[], asked: number): void {
    const { freshness, openRoomId, refreshes, rooms } = this.#to;
    const first = !rooms.loaded.peek();
    const listed = new Set(list.map(({ id }) => id));
    for (const room of list)
      if (freshness.isOutdated(room.id, asked)) refreshes.want(room.id);
      else this.#take(room, first);
    for (const id of rooms.byId.peek().keys())
      if (!listed.has(id) && !freshness.isOutdated(id, asked)) this.ended(id);
    rooms.loaded.value = true;
    rooms.failed.value = false;
    for (const { id } of rooms.sorted.peek()) this.#to.subscriptions.want(id);
    const open = openRoomId.peek();
    if (first && open) this.#opened(open);
  }

  /** Takes in a room of the server's answer. Nothing was learned of it since it was asked for. */
  #take(answer: Room, isFirst = false): void {
    const { news, openRoomId, reading, refreshes, rooms, subscriptions, timelines, user_id } =
      this.#to;
    const { id } = answer;
    const known = rooms.get(id);
    const timeline = timelines.ensure(id, answer).peek();
    if (known && known.epoch !== answer.epoch) reading.reset(id);
    reading.telling(answer);
    const { room, isSure } = merged(answer, known, timeline, reading.unconfirmed(id), user_id);
    rooms.put(room);
    reading.told(known, room);
    if (!isSure) refreshes.want(id);
    if (isFirst) return;
    subscriptions.want(id);
    const isOpen = openRoomId.peek() === id;
    const entered = this.#entered.get(id);
    const byOther = entered?.reason !== 'joined' && entered?.by !== user_id;
    // A direct room comes with its first message, which says enough.
    const isNews = byOther && !isOpen && room.kind !== 'direct';
    if (!known && isNews) news.added(room, entered);
    const startsOver = known?.epoch !== answer.epoch || known.unread_count === null;
    if (isOpen && startsOver) this.#opened(id);
  }

  #opened(id: string): void {
    const { history, news, reading, rooms, subscriptions, timelines } = this.#to;
    const room = rooms.get(id);
    if (!room) return;
    // Nothing was told of a room without a subscription since its list, so it begins there.
    if (!subscriptions.has(id)) timelines.catchUp(id, room);
    subscriptions.want(id, true);
    news.seen(id);
    reading.opened(id);
    history.open(id, room.unread_count ? (room.first_unread_seq ?? null) : null);
  }

  /** The server has paused a webhook that the user made in a room. */
  webhookPaused({ room_id, webhook_id }: { room_id: string; webhook_id: string }): void {
    const room = this.#to.rooms.get(room_id);
    if (room) this.#to.news.webhookPaused(room, webhook_id);
  }

  /** The answer to joining may be older than what was said of the room since. */
  async #joined(answer: Promise<Room>): Promise<Room> {
    const { freshness, news, refreshes, rooms } = this.#to;
    const asked = freshness.ask();
    const listed = this.#to.listing();
    const room = await answer;
    batch(() => {
      listed([room]);
      const isOutdated = freshness.isOutdated(room.id, asked);
      const hasEnded = freshness.isOutdated(ending(room.id), asked);
      if (isOutdated) refreshes.want(room.id);
      if (!hasEnded && !(isOutdated && rooms.get(room.id))) this.#take(room);
      freshness.learned(room.id);
      news.seen(room.id);
    });
    return room;
  }
}

/** That the user is no longer a member of the room, as a subject that can be learned. */
function ending(room_id: string): string {
  return `end of ${room_id}`;
}
