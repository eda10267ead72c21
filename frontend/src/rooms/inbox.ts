import { type ReadonlySignal, signal } from '@preact/signals';
import type { Outbox } from 'tailwire-client/rooms/outbox';
import { apply, doubtful, isAt, order, position } from 'tailwire-client/rooms/timeline';
import {
  type EntryEvent,
  isEntry,
  type NoticeEvent,
  type PlaceEvent,
  type ServerEvent,
} from 'tailwire-client/wire/protocol';
import type { Subscriptions } from 'tailwire-client/wire/subscriptions';
import type { Freshness } from '../browser/freshness';
import type { Lazy } from '../browser/lazy';
import type { Blocks } from './blocks';
import type { History } from './history';
import type { Levels } from './levels';
import type { Members } from './members';
import type { Membership } from './membership';
import type { Notifying } from './notifying';
import { slowness } from './permissions';
import type { Presence } from './presence';
import type { Reading } from './reading';
import type { Receipts } from './receipts';
import type { Recounts } from './recounts';
import type { Refreshes } from './refreshes';
import type { Rooms } from './rooms';
import type { Search } from './search';
import type { SlowMode } from './slow_mode';
import type { Threads } from './threads';
import type { Timelines } from './timelines';
import type { Typing } from './typing';
import { isMention } from './unread';

type NewMessage = Extract<ServerEvent, { type: 'message' }>;

interface InboxOptions {
  user_id: string;
  blocks: Blocks;
  slowMode: SlowMode;
  freshness: Freshness;
  levels: Levels;
  notifying: Lazy<Notifying>;
  recounts: Recounts;
  threads: Lazy<Threads>;
  search: ReadonlySignal<Search | null>;
  refreshes: Refreshes;
  rooms: Rooms;
  timelines: Timelines;
  members: Members;
  membership: Membership;
  outbox: Outbox;
  history: History;
  presence: Presence;
  reading: Reading;
  receipts: Receipts;
  typing: Typing;
  subscriptions: Subscriptions;
  openRoomId: ReadonlySignal<string | null>;
}

/** Gives each event of the server to the parts that need it. */
export class Inbox {
  /** How often the user was mentioned since the page was loaded. */
  readonly mentionCount = signal(0);
  readonly #to: InboxOptions;

  constructor(options: InboxOptions) {
    this.#to = options;
  }

  handle(event: ServerEvent): void {
    if (isEntry(event)) {
      this.#entry(event);
      return;
    }
    const { members, membership, outbox, reading, subscriptions, typing } = this.#to;
    switch (event.type) {
      case 'ack':
        if (event.seq == null || event.epoch == null) return;
        outbox.acked(event.ref, { epoch: event.epoch, seq: event.seq });
        if (event.room_id) this.#settleApplied(event.room_id);
        return;
      case 'error':
        if (subscriptions.refused(event) || typing.refused(event) || !event.ref) return;
        outbox.refused(event.ref, event);
        return;
      case 'live':
        this.#live(event);
        return;
      case 'reset':
        this.#reset(event);
        return;
      case 'presence':
        this.#to.presence.heard(event);
        return;
      case 'typing':
        if (!this.#to.blocks.has(event.user_id)) typing.heard(event);
        return;
      case 'read':
        if (event.user_id === this.#to.user_id)
          reading.moved(event.room_id, { epoch: event.epoch, seq: event.read_seq });
        else this.#to.receipts.told(event.room_id, event);
        return;
      case 'notice':
        this.#noticed(event);
        return;
      case 'notifications': {
        const { room_id, level, muted_until = null } = event;
        this.#to.levels.told(room_id, { level, muted_until });
        return;
      }
      case 'place': {
        const { room_id, favourite, section = null, hidden } = event;
        this.#to.freshness.learned(room_id);
        this.#to.rooms.change(room_id, { place: { favourite, section, hidden } });
        return;
      }
      case 'user':
        members.renamed(event);
        return;
      case 'membership':
        membership.heard(event);
        return;
      case 'webhook_paused':
        membership.webhookPaused(event);
    }
  }

  /** Messages have come to a room without a subscription. The server knows what is unread there. */
  #noticed({ room_id, epoch, seq, mention }: NoticeEvent): void {
    const { refreshes, rooms, subscriptions } = this.#to;
    const room = rooms.get(room_id);
    if (subscriptions.has(room_id) || (room?.epoch === epoch && room.seq >= seq)) return;
    if (mention) refreshes.want(room_id);
    else refreshes.noticed(room_id);
  }

  #entry(event: EntryEvent): void {
    const { members, openRoomId, recounts, refreshes, rooms, search } = this.#to;
    const { subscriptions, threads, timelines } = this.#to;
    const { room_id } = event;
    const timeline = timelines.get(room_id);
    if (!timeline) return;
    const before = timeline.peek();
    const standing = order(before, event.seq);
    if (standing === 'gap') subscriptions.resume(room_id);
    if (standing !== 'next') return;
    if (event.type === 'message') this.#arriving(event);
    threads.loaded?.apply(event);
    search.peek()?.apply(event);
    timeline.value = apply(before, event);
    if (room_id !== openRoomId.peek()) timelines.grew(room_id);
    if (!rooms.apply(event, before, this.#to.user_id)) refreshes.want(room_id);
    members.apply(event);
    if (event.type === 'member' && !event.role) this.#to.receipts.left(room_id, event.user_id);
    for (const seq of doubtful(timeline.peek(), [event])) recounts.want(room_id, seq);
    if (event.type === 'message') this.#arrived(event);
    // The entries of changes have no ref.
    else if ('target' in event && event.user_id === this.#to.user_id) this.#settleApplied(room_id);
  }

  #arriving({ room_id, user_id }: NewMessage): void {
    const { openRoomId, reading } = this.#to;
    if (user_id !== this.#to.user_id && room_id === openRoomId.peek()) reading.arriving(room_id);
  }

  #arrived(message: NewMessage): void {
    const { notifying, outbox, rooms, slowMode, subscriptions, typing } = this.#to;
    const { room_id, user_id, ref } = message;
    if (user_id !== this.#to.user_id && isMention(message, this.#to.user_id))
      this.mentionCount.value += 1;
    notifying.loaded?.arrived(message);
    typing.stopped(room_id, user_id);
    if (user_id !== this.#to.user_id) return;
    if (ref) outbox.settle(ref);
    const room = rooms.get(room_id);
    // What was missed is older than the moment in which it comes.
    if (room && subscriptions.isLive(room_id)) slowMode.wait(room_id, slowness(room));
  }

  /** The replay is over. If the position differs from the server's, the room starts over. */
  #live(event: PlaceEvent): void {
    const timeline = this.#to.timelines.get(event.room_id)?.peek();
    if (timeline && !isAt(timeline, event)) this.#reset(event);
    else this.#wentLive(event.room_id);
  }

  #wentLive(room_id: string): void {
    this.#to.subscriptions.wentLive(room_id);
    this.#settleApplied(room_id);
    this.#to.outbox.flush(room_id);
    this.#to.notifying.loaded?.wentLive(room_id);
  }

  /** What is unread in a new epoch only the server can tell. The room is opened again then. */
  #reset({ room_id, epoch, seq }: PlaceEvent): void {
    const { freshness, history, members, openRoomId, reading, refreshes, rooms, timelines } =
      this.#to;
    const room = rooms.get(room_id);
    const isOpen = room_id === openRoomId.peek();
    freshness.learned(room_id);
    timelines.reset(room_id, { epoch, seq });
    if (room?.epoch !== epoch) reading.reset(room_id);
    rooms.reset(room_id, { epoch, seq });
    this.#wentLive(room_id);
    if (isOpen && room?.epoch === epoch) history.open(room_id, room.first_unread_seq ?? null);
    members.outdated(room_id);
    refreshes.want(room_id);
  }

  #settleApplied(room_id: string): void {
    const timeline = this.#to.timelines.get(room_id)?.peek();
    if (timeline) this.#to.outbox.settleUpTo(room_id, position(timeline));
  }
}
