import { batch, computed, signal } from '@preact/signals';
import { Connection, type SocketConstructor } from 'tailwire-client/wire/connection';
import type { Limits } from 'tailwire-client/wire/protocol';
import type { AccountParts } from './account/wiring';
import { Lazy } from './browser/lazy';
import { type RoomParts, type RoomsOptions, wireRooms } from './rooms/wiring';

const BODY_CHARACTERS = 4_000;

export interface SessionOptions
  extends Omit<RoomsOptions, 'features' | 'limits' | 'send' | 'probe' | 'onExpired'> {
  /** A usable access token. With `refused`, a token other than that one. */
  token(refused?: string): Promise<string>;
  /** Milliseconds until the access token should be renewed. */
  renewIn(): number;
  /** The address of this page without its hash. */
  page: string;
  WebSocket: SocketConstructor;
  isOnline(): boolean;
  /** The session has ended. `text` says why; it is null where the token simply expired. */
  onEnded(text: string | null): void;
}

/**
 * Everything that exists between log-in and log-out: the user's rooms, kept live over one
 * connection.
 */
export interface Session extends RoomParts {
  readonly user_id: string;
  readonly connection: Connection;
  /** The user's own data. Loaded when it is needed. */
  readonly account: Lazy<AccountParts>;
  /** How many characters a message may have. */
  readonly bodyLimit: { readonly value: number };
  /** The names of what the server can do, listed in docs/protocol.md. Empty for an old server. */
  readonly features: { readonly value: ReadonlySet<string> };
  start(): void;
  stop(): void;
  /** Deletes everything that the user typed from this machine. */
  forget(): void;
}

export function createSession(options: SessionOptions): Session {
  const { api, onEnded, user_id } = options;
  const limits = signal<Limits>({});
  const features = signal<ReadonlySet<string>>(new Set());
  const parts = wireRooms({
    ...options,
    features,
    limits,
    send: (command) => connection.send(command),
    probe: () => connection.probe(),
    onExpired: () => onEnded(null),
  });
  const {
    blocks,
    drafts,
    files,
    inbox,
    members,
    membership,
    notifying,
    outbox,
    pausedWebhooks,
    presence,
    reading,
    recounts,
    refreshes,
    subscriptions,
    threads,
  } = parts;
  let wasLost = false;
  const connection: Connection = new Connection({
    ...options,
    url: api.socketUrl,
    cell: signal,
    onReady: ({ limits: told, features: named }) => {
      features.value = new Set(named);
      limits.value = told ?? {};
      subscriptions.start(told?.subscriptions);
      void membership.connected().then(() => {
        // After the list, which tells where the user went back elsewhere.
        reading.flush();
        if (pausedWebhooks.loaded) void pausedWebhooks.loaded.ask();
        else pausedWebhooks.load();
      });
      refreshes.connected();
      presence.connected();
      notifying.load();
      files.loaded?.uploads.again();
      if (features.peek().has('blocks')) void blocks.load();
      else blocks.settle();
      // Users may have other names since the connection was lost.
      const open = parts.openRoomId.peek();
      if (wasLost && open) members.outdated(open);
    },
    onEvent: (event) => batch(() => inbox.handle(event)),
    onLost: () => {
      wasLost = true;
      subscriptions.lost();
      presence.lost();
      blocks.settle();
      outbox.lost();
    },
    onSessionEnded: onEnded,
  });
  return {
    ...parts,
    user_id,
    connection,
    account: new Lazy(async () =>
      (await import('./account/wiring')).wireAccount(api, options.page),
    ),
    bodyLimit: computed(() => limits.value.body_characters || BODY_CHARACTERS),
    features,
    start() {
      outbox.start();
      connection.start();
      void membership.load();
      reading.start();
      refreshes.start();
    },
    stop() {
      reading.stop();
      recounts.stop();
      threads.loaded?.stop();
      files.loaded?.stop();
      notifying.loaded?.stop();
      refreshes.stop();
      membership.stop();
      connection.stop();
      outbox.stop();
    },
    forget() {
      outbox.forget();
      drafts.forget();
      files.loaded?.uploads.forget();
      blocks.forget();
      notifying.loaded?.forget();
      pausedWebhooks.loaded?.forget();
    },
  };
}
