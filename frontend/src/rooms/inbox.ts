import type { ReadonlySignal } from '@preact/signals';
import { type EntryEvent, isEntry, type PlaceEvent, type ServerEvent } from '../wire/protocol';
import type { Subscriptions } from '../wire/subscriptions';
import type { History } from './history';
import type { Members } from './members';
import type { Membership } from './membership';
import type { Outbox } from './outbox';
import type { Reading } from './reading';
import type { Rooms } from './rooms';
import { apply, isAt, order } from './timeline';
import type { Timelines } from './timelines';
import type { Typing } from './typing';

type NewMessage = Extract<ServerEvent, { type: 'message' }>;

interface InboxOptions {
  user_id: string;
  rooms: Rooms;
  timelines: Timelines;
  members: Members;
  membership: Membership;
  outbox: Outbox;
  history: History;
  reading: Reading;
  typing: Typing;
  subscriptions: Subscriptions;
  openRoomId: ReadonlySignal<string | null>;
}

/** Gives each event of the server to the parts that need it. */
export class Inbox {
  readonly #to: InboxOptions;

  constructor(options: InboxOptions) {
    this.#to = options;
  }

  handle(event: ServerEvent): void {
    if (isEntry(event)) {
      this.#entry(event);
      return;
    }
    const { members, membership, outbox, reading, rooms, subscriptions, typing } = this.#to;
    switch (event.type) {
      case 'ack':
        if (event.seq == null) return;
        outbox.acked(event.ref, event.seq);
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
        members.presence(event);
        return;
      case 'typing':
        typing.heard(event);
        return;
      case 'read':
        if (event.user_id === this.#to.user_id) reading.moved(event.room_id, event.seq);
        return;
      case 'membership':
        if (!event.role) membership.removed(event.room_id);
        else if (rooms.get(event.room_id)) rooms.change(event.room_id, { role: event.role });
        else membership.refresh(event.room_id);
    }
  }

  #entry(event: EntryEvent): void {
    const { members, reading, rooms, subscriptions, timelines } = this.#to;
    const { room_id } = event;
    const timeline = timelines.get(room_id);
    if (!timeline) return;
    const standing = order(timeline.peek(), event.seq);
    if (standing === 'gap') subscriptions.resume(room_id);
    if (standing !== 'next') return;
    if (event.type === 'message') this.#arriving(event);
    timeline.value = apply(timeline.peek(), event);
    rooms.apply(event, this.#to.user_id);
    members.apply(event);
    if (event.type === 'delete') reading.recount(room_id);
    if (event.type === 'message') this.#arrived(event);
  }

  #arriving({ room_id, user_id }: NewMessage): void {
    const { openRoomId, reading } = this.#to;
    if (user_id !== this.#to.user_id && room_id === openRoomId.peek()) reading.arriving(room_id);
  }

  #arrived({ room_id, user_id, ref }: NewMessage): void {
    const { outbox, typing } = this.#to;
    typing.stopped(room_id, user_id);
    if (user_id === this.#to.user_id && ref) outbox.settle(ref);
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
  }

  #reset({ room_id, epoch, seq }: PlaceEvent): void {
    this.#to.timelines.reset(room_id, { epoch, seq });
    this.#wentLive(room_id);
    if (room_id === this.#to.openRoomId.peek()) this.#to.history.open(room_id);
    this.#to.membership.refresh(room_id);
  }

  #settleApplied(room_id: string): void {
    const timeline = this.#to.timelines.get(room_id)?.peek();
    if (timeline) this.#to.outbox.settleUpTo(room_id, timeline.seq);
  }
}
