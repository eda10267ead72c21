import { type DBSchema, type IDBPDatabase, type IDBPObjectStore, openDB } from 'idb';
import type { OutboxStore } from 'tailwire-client/rooms/outbox';
import type { Pending } from 'tailwire-client/rooms/pending';
import type { EntryCommand, SendCommand } from 'tailwire-client/wire/commands';
import type { Tab } from '../browser/tab';

const DATABASE = 'tailwire';
// Version 1 kept messages, version 2 keeps commands.
const VERSION = 2;

interface Kept extends Pending {
  /** The ref of the command. */
  ref: string;
  user_id: string;
  /** The tab that shows and sends the command. */
  tab: string;
}

interface Schema extends DBSchema {
  outbox: { key: string; value: Kept; indexes: { user_id: string } };
}

interface KeptMessage extends Omit<Kept, 'command'> {
  room_id: string;
  body: string;
  reply_to: number | null;
}

type Database = IDBPDatabase<Schema>;
type UpgradedStore = IDBPObjectStore<Schema, 'outbox'[], 'outbox', 'versionchange'>;

/**
 * Keeps unsent commands in IndexedDB. Each command has a record of its own, so tabs do not
 * overwrite each other. A record belongs to one tab. When that tab is gone, exactly one other tab
 * takes it over.
 *
 * A command can still be lost when the page ends within milliseconds, before the browser has taken
 * the record. When the power fails, the last seconds can be lost, because the browser decides when
 * it writes to the disk. Where IndexedDB is missing or refuses, commands exist only as long as the
 * page. Without locks they survive a reload, but are not sent once the tab is closed.
 */
export class IndexedOutboxStore implements OutboxStore {
  readonly #tab: Tab;
  #database: Promise<Database> | null = null;
  /** The tabs that were gone when this tab last looked. */
  #missed: ReadonlySet<string> = new Set();

  constructor(tab: Tab) {
    this.#tab = tab;
  }

  async own(user_id: string): Promise<Pending[]> {
    const own = await this.#use(async (database, tab) => {
      const kept = await database.getAllFromIndex('outbox', 'user_id', user_id);
      return kept.filter((record) => record.tab === tab);
    });
    return pendingIn(own ?? []);
  }

  /**
   * A tab counts as gone when two looks in a row miss it, because a tab that reloads is back soon.
   */
  async adopt(user_id: string): Promise<Pending[]> {
    const adopted: Pending[] = [];
    await this.#use(async (database, tab) => {
      const kept = await database.getAllFromIndex('outbox', 'user_id', user_id);
      const others = new Set(kept.map((record) => record.tab));
      others.delete(tab);
      const missed = new Set<string>();
      for (const other of others)
        await this.#tab.ifGone(other, async () => {
          if (this.#missed.has(other)) adopted.push(...(await move(database, user_id, other, tab)));
          else missed.add(other);
        });
      this.#missed = missed;
    });
    return adopted;
  }

  put(user_id: string, pending: Pending): void {
    void this.#use(async (database, tab) => {
      const transaction = database.transaction('outbox', 'readwrite');
      void transaction.store.put({ ...pending, ref: pending.command.ref, user_id, tab });
      // Without an explicit commit the browser waits for more requests, and drops the record if the
      // page is reloaded meanwhile.
      transaction.commit();
      await transaction.done;
    });
  }

  delete(ref: string): void {
    void this.#use((database) => database.delete('outbox', ref));
  }

  forget(user_id: string): void {
    void this.#use(async (database, tab) => {
      const { store, done } = database.transaction('outbox', 'readwrite');
      const kept = await store.index('user_id').getAll(user_id);
      for (const record of kept) if (record.tab === tab) void store.delete(record.ref);
      await done;
    });
  }

  /** Undefined where the browser cannot store anything. */
  async #use<T>(task: (database: Database, tab: string) => Promise<T>): Promise<T | undefined> {
    try {
      this.#database ??= this.#open();
      return await task(await this.#database, await this.#tab.id);
    } catch {
      return undefined;
    }
  }

  async #open(): Promise<Database> {
    return await openDB<Schema>(DATABASE, VERSION, {
      upgrade: async (database, before, _, transaction) => {
        if (before === 0) {
          const store = database.createObjectStore('outbox', { keyPath: 'ref' });
          store.createIndex('user_id', 'user_id');
        } else await bringOver(transaction.objectStore('outbox'));
      },
      // A newer page in another tab must not wait for this one.
      blocking: (_, __, { target }) => {
        (target as IDBDatabase).close();
        this.#database = null;
      },
      // The user cleared the site's data. The database is opened again for the next command.
      terminated: () => {
        this.#database = null;
      },
    });
  }
}

async function move(
  database: Database,
  user_id: string,
  from: string,
  to: string,
): Promise<Pending[]> {
  const { store, done } = database.transaction('outbox', 'readwrite');
  const kept = await store.index('user_id').getAll(user_id);
  const moved = kept.filter(({ tab }) => tab === from);
  for (const record of moved) void store.put({ ...record, tab: to });
  await done;
  return pendingIn(moved);
}

/** Turns each message of version 1 into the command that sends it. */
async function bringOver(store: UpgradedStore): Promise<void> {
  for (let cursor = await store.openCursor(); cursor; cursor = await cursor.continue()) {
    const { room_id, body, reply_to, ...rest } = cursor.value as unknown as KeptMessage;
    const command: SendCommand = { type: 'send', room_id, ref: rest.ref, body };
    if (reply_to !== null) command.reply_to = reply_to;
    await cursor.update({ ...rest, command });
  }
}

// A newer page may store commands that this page does not know. They stay in the database.
const KNOWN: Record<EntryCommand['type'], true> = {
  send: true,
  edit: true,
  delete: true,
  react: true,
  unreact: true,
  pin: true,
  unpin: true,
  remove_previews: true,
};

function pendingIn(kept: readonly Kept[]): Pending[] {
  return kept
    .filter(({ command }) => Object.hasOwn(KNOWN, command.type))
    .map(({ ref: _, user_id: __, tab: ___, ...pending }) => pending);
}
