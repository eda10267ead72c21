import { batch, type ReadonlySignal, signal } from '@preact/signals';
import type { Clock } from '../browser/clock';
import type { Api } from '../wire/api/api';
import type { Command } from '../wire/protocol';
import { Subscriptions } from '../wire/subscriptions';
import { Directory } from './directory';
import { Drafts } from './drafts';
import { History } from './history';
import { Inbox } from './inbox';
import { Members } from './members';
import { Membership } from './membership';
import { Names } from './names';
import { Outbox, type OutboxStore } from './outbox';
import { People } from './people';
import { Reading } from './reading';
import { Rooms } from './rooms';
import { holds, position } from './timeline';
import { Timelines } from './timelines';
import { Typing } from './typing';

export interface RoomsOptions {
  user_id: string;
  api: Api;
  clock: Clock;
  storage: Storage;
  outboxStore: OutboxStore;
  /** Whether the window has the focus. */
  focused: ReadonlySignal<boolean>;
  makeRef(): string;
  /** Whether the command was sent. */
  send(command: Command): boolean;
  /** Asks the connection to prove that it lives. */
  probe(): void;
  /** The server refuses the user's tokens. */
  onExpired(): void;
}

export type RoomParts = ReturnType<typeof wireRooms>;

/** Makes the parts that hold the user's rooms, and wires them to each other. */
export function wireRooms(options: RoomsOptions) {
  const { api, clock, focused, makeRef, send, user_id } = options;
  const openRoomId = signal<string | null>(null);
  const rooms = new Rooms();
  const timelines = new Timelines();
  const names = new Names();
  const members = new Members(api, names);
  const typing = new Typing({ clock, user_id, makeRef, send });
  const reading = new Reading({
    api: api.rooms,
    clock,
    rooms,
    timelines,
    user_id,
    focused,
    openRoomId,
  });
  const subscriptions: Subscriptions = new Subscriptions({
    clock,
    makeRef,
    send,
    position: (id) => {
      const timeline = timelines.get(id)?.peek();
      return timeline && position(timeline);
    },
    onRefused: (id) => membership.removed(id),
  });
  const outbox = new Outbox({
    user_id,
    store: options.outboxStore,
    clock,
    makeRef,
    transmit: (command) => subscriptions.isLive(command.room_id) && send(command),
    isStored: ({ command }) => {
      const timeline = timelines.get(command.room_id)?.peek();
      return timeline !== undefined && holds(timeline, user_id, command.ref);
    },
    onSilence: options.probe,
  });
  const history = new History({
    messages: api.messages,
    timelines,
    onPage: (_, page) => {
      for (const { user_id: author, ref } of page.items)
        if (author === user_id && ref) outbox.settle(ref);
    },
    onForeignEpoch: (id) => subscriptions.resume(id),
  });
  const shared = { user_id, rooms, timelines, subscriptions, history, reading, outbox, openRoomId };
  const { onExpired } = options;
  const membership: Membership = new Membership({ ...shared, api: api.rooms, clock, onExpired });
  return {
    openRoomId,
    rooms,
    timelines,
    names,
    members,
    membership,
    typing,
    reading,
    subscriptions,
    outbox,
    history,
    people: new People(api.users, clock),
    directory: new Directory(api.rooms),
    drafts: new Drafts(options.storage, user_id),
    inbox: new Inbox({ ...shared, members, membership, typing }),
    say(room_id: string, body: string, reply_to: number | null = null): void {
      batch(() => {
        reading.answered();
        outbox.add({ type: 'send', room_id, body, ...(reply_to && { reply_to }) });
      });
    },
  };
}
