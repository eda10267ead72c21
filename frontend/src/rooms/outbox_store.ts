import { type DBSchema, type IDBPDatabase, type IDBPObjectStore, openDB } from 'idb';
import type { Tab } from '../browser/tab';
import type { EntryCommand, SendCommand } from '../wire/protocol';
import type { OutboxStore, Pending } from './outbox';

const DATABASE = 'tailwire';
// Version 1 kept messages, version 2 keeps commands.
const VERSION = 2;

interface Kept extends Pending {
  /** The command's own. */
  ref: string;
  user_id: string;
  /** Whose it is to show and to send. */
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
 * Unsent commands in IndexedDB, one record each, so that no tab overwrites what another one wrote.
 * Each belongs to one tab; when that is gone, exactly one of the others takes it over.
 *
 * What can still be lost: a message whose page dies within the milliseconds before the browser has
 * taken the record, and with the power the last seconds, for the browser syncs the disk in its own
 * time. Where IndexedDB is missing or refuses, messages live as long as the page. Where the tab
 * has no locks, they survive a reload, but wait in vain once the tab is closed.
 */
export class IndexedOutboxStore implements OutboxStore {
  readonly #tab: Tab;
  #database: Promise<Database> | null = null;
  /** Tabs that were gone at the last look. */
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

  /** A tab is taken for gone at the second look that misses it: one that reloads soon is back. */
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
      // Said aloud, or the browser waits for this page to have nothing to add, and drops the record
      // of one that is reloaded meanwhile.
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

  /** Undefined where the browser keeps nothing. */
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
      // A later version of the app in another tab must not wait for this one.
      blocking: (_, __, { target }) => {
        (target as IDBDatabase).close();
        this.#database = null;
      },
      // The user cleared the site's data: what comes next is kept again.
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

/** Writes the messages of version 1 anew, each as the command that sends it. */
async function bringOver(store: UpgradedStore): Promise<void> {
  for (let cursor = await store.openCursor(); cursor; cursor = await cursor.continue()) {
    const { room_id, body, reply_to, ...rest } = cursor.value as unknown as KeptMessage;
    const command: SendCommand = { type: 'send', room_id, ref: rest.ref, body };
    if (reply_to !== null) command.reply_to = reply_to;
    await cursor.update({ ...rest, command });
  }
}

// A later version of the app may keep commands that this one cannot show: they stay where they are.
const KNOWN: Record<EntryCommand['type'], true> = { send: true };

function pendingIn(kept: readonly Kept[]): Pending[] {
  return kept
    .filter(({ command }) => Object.hasOwn(KNOWN, command.type))
    .map(({ ref: _, user_id: __, tab: ___, ...pending }) => pending);
}
