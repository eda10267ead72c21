import { batch, type ReadonlySignal, signal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import { Outbox, type OutboxStore } from 'tailwire-client/rooms/outbox';
import type { WhatToChange } from 'tailwire-client/rooms/pending';
import { holds, position } from 'tailwire-client/rooms/timeline';
import type { Api } from 'tailwire-client/wire/api/api';
import type { Command } from 'tailwire-client/wire/commands';
import type { HistoryPage, Limits } from 'tailwire-client/wire/protocol';
import { Subscriptions } from 'tailwire-client/wire/subscriptions';
import { Freshness } from '../browser/freshness';
import { Lazy } from '../browser/lazy';
import type { TextStorage } from '../browser/storage';
import type { Tab } from '../browser/tab';
import type { Turn } from '../browser/turn';
import { Blocks } from './blocks';
import { Drafts } from './drafts';
import { History } from './history';
import { Inbox } from './inbox';
import { Levels } from './levels';
import { Members } from './members';
import { Membership } from './membership';
import { Names } from './names';
import { News } from './news';
import type { NoticeDesk } from './notifying';
import { Presence } from './presence';
import type { ReadChannel } from './read_mark';
import { Reading } from './reading';
import { Receipts } from './receipts';
import { Recounts } from './recounts';
import { Refreshes } from './refreshes';
import { RoomList } from './room_list';
import { Rooms } from './rooms';
import type { Search } from './search';
import { SlowMode } from './slow_mode';
import { Timelines } from './timelines';
import { Titles } from './titles';
import { Typing } from './typing';
import { Usernames } from './usernames';

export interface RoomsOptions {
  user_id: string;
  api: Api;
  clock: Clock;
  outboxStore: OutboxStore;
  /** This tab, which owns the files that wait in it. */
  tab: Tab;
  /** Whether the window has the focus. */
  focused: ReadonlySignal<boolean>;
  /** Whether the page can be seen, with or without the focus. */
  visible: ReadonlySignal<boolean>;
  /** What the tabs of this browser tell each other about reading; null where they cannot. */
  readChannel: ReadChannel | null;
  desk: NoticeDesk;
  /** What the tabs of the browser share: their storage, and turns for what one of them shall do. */
  shared: { storage: TextStorage; turn: Turn };
  makeRef(): string;
  /** What the server can do, by name. */
  features: ReadonlySignal<ReadonlySet<string>>;
  /** What the server allows. */
  limits: ReadonlySignal<Limits>;
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
  const { api, clock, focused, makeRef, readChannel, send, user_id, visible } = options;
  const openRoomId = signal<string | null>(null);
  const rooms = new Rooms();
  const timelines = new Timelines();
  const freshness = new Freshness();
  const names = new Names();
  const has = (feature: string) => options.features.value.has(feature);
  const presence = new Presence({ clock, isTold: () => has('presence'), send });
  const receipts = new Receipts(user_id);
  const members = new Members(api, names, (room_id) => {
    const epoch = rooms.get(room_id)?.epoch;
    return (listed) => {
      for (const { user_id, online } of listed) presence.listed(user_id, online);
      if (epoch) receipts.listed(room_id, epoch, listed);
    };
  });
  const titles = new Titles(names, user_id);
  const news = new News(api.users, names, titles);
  const blocks = new Blocks(api.blocks, options.shared.storage, user_id);
  const slowMode = new SlowMode(clock);
  const typing = new Typing({ clock, user_id, makeRef, send });
  const refreshes: Refreshes = new Refreshes({
    clock,
    visible,
    unsubscribed: () => subscriptions.leftOut,
    isNoticed: () => has('notices'),
    ask: (room_ids) => membership.ask(room_ids),
  });
  const reading = new Reading({
    api: api.rooms,
    clock,
    rooms,
    timelines,
    freshness,
    user_id,
    focused,
    openRoomId,
    channel: readChannel,
    onUnsure: (id) => refreshes.want(id),
  });
  const subscriptions: Subscriptions = new Subscriptions({
    clock,
    makeRef,
    send,
    position: (id) => {
      const timeline = timelines.get(id)?.peek();
      return timeline && position(timeline);
    },
    onRefused: (id) => membership.ended(id),
  });
  const outbox = new Outbox({
    user_id,
    epochOf: (id) => timelines.get(id)?.peek().epoch,
    store: options.outboxStore,
    clock,
    cell: signal,
    makeRef,
    transmit: (command) => subscriptions.isLive(command.room_id) && send(command),
    takesEpoch: () => has('threads'),
    isStored: ({ command }) => {
      const timeline = timelines.get(command.room_id)?.peek();
      return timeline !== undefined && holds(timeline, user_id, command.ref);
    },
    onSilence: options.probe,
    onSlow: (id, seconds) => slowMode.wait(id, seconds),
  });
  const notifying = new Lazy(
    async () =>
      new (await import('./notifying')).Notifying({
        ...{ user_id, blocks, clock, rooms, timelines, names, titles, focused, openRoomId },
        ...{ shared: options.shared, desk: options.desk },
        isLive: (id) => subscriptions.isLive(id),
      }),
  );
  const pausedWebhooks = new Lazy(async () => {
    const { requests } = api;
    const { storage } = options.shared;
    const { PausedWebhooks } = await import('./paused_webhooks');
    const paused = new PausedWebhooks({ user_id, requests, rooms, news, storage });
    void paused.ask();
    return paused;
  });
  const say = (room_id: string, body: string, reply_to: number | null = null): void => {
    batch(() => {
      reading.answered(room_id);
      // A room that nobody opened for long may have no subscription, without which nothing is sent.
      subscriptions.want(room_id, true);
      outbox.add({ type: 'send', room_id, body, ...(reply_to && { reply_to }) });
    });
  };
  const files = new Lazy(async () =>
    (await import('./files')).wireFiles({
      ...{ user_id, clock, outbox, makeRef, say, tab: options.tab, requests: api.requests },
      limits: options.limits,
    }),
  );
  const levels = new Levels({ api: api.rooms, clock, rooms, freshness });
  const recounts = new Recounts({ messages: api.messages, timelines, clock });
  const loading = {
    messages: api.messages,
    timelines,
    onPage: (_: string, page: HistoryPage) => {
      for (const item of page.items)
        if ('ref' in item && item.user_id === user_id && item.ref) outbox.settle(item.ref);
    },
    onForeignEpoch: (id: string) => subscriptions.resume(id),
  };
  const history = new History({ ...loading, onDoubt: (id, seq) => recounts.want(id, seq) });
  const threads = new Lazy(
    async () => new (await import('./threads')).Threads({ ...loading, clock }),
  );
  /** What was searched for last. The first search makes it. */
  const search = signal<Search | null>(null);
  const shared = {
    ...{ user_id, freshness, rooms, timelines, subscriptions, history, reading, refreshes },
    ...{ outbox, openRoomId },
  };
  const { onExpired } = options;
  const membership: Membership = new Membership({
    ...shared,
    api: api.rooms,
    clock,
    news,
    listing: () => {
      const asked = names.ask();
      return (listed) => {
        // Direct rooms tell who is in them.
        for (const { id, display_name, avatar } of listed.flatMap(({ users = [] }) => users))
          names.answered(id, display_name, asked, avatar);
      };
    },
    onExpired,
  });
  return {
    openRoomId,
    freshness,
    rooms,
    timelines,
    names,
    titles,
    roomList: new RoomList({ rooms, openRoomId, storage: options.shared.storage }),
    members,
    membership,
    news,
    presence,
    receipts,
    refreshes,
    typing,
    blocks,
    slowMode,
    reading,
    subscriptions,
    outbox,
    history,
    threads,
    search,
    recounts,
    notifying,
    pausedWebhooks,
    levels,
    mentions: api.mentions,
    clock,
    publicRooms: api.rooms,
    users: api.users,
    /** For parts that are loaded when they are needed. */
    requests: api.requests,
    messages: api.messages,
    usernames: new Usernames({ clock, users: api.users, members, names }),
    drafts: new Drafts(options.shared.storage, user_id),
    inbox: new Inbox({
      ...{ ...shared, members, membership, presence, receipts },
      ...{ recounts, threads, search, typing, levels, notifying },
      ...{ blocks, slowMode },
    }),
    say,
    files,
    /** Changes a message of a room, as the timeline shows the room now. */
    change(room_id: string, seq: number, what: WhatToChange): void {
      const epoch = timelines.get(room_id)?.peek().epoch;
      if (epoch !== undefined) outbox.add({ ...what, room_id, epoch, seq });
    },
  };
}
