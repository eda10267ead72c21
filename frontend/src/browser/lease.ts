import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Clock } from 'tailwire-client/clock';

const DATABASE = 'tailwire.leases';
// A tab may be closed or frozen while it holds the lease, so it ends by itself. A request is
// shorter.
const LEASE_MILLISECONDS = 25_000;
const PAUSE_MILLISECONDS = 50;

interface Schema extends DBSchema {
  leases: { key: string; value: { holder: string; until: number } };
}

/**
 * Lets one tab of a browser at a time do something, where the browser has no Web Locks: they are
 * missing where the page came over plain http. Its transactions make IndexedDB a place on which
 * tabs can agree. Where there is no IndexedDB either, every tab does as it likes.
 */
export class Lease {
  readonly #name: string;
  readonly #holder: string;
  readonly #clock: Clock;

  /** `holder` is an id of this page. */
  constructor(name: string, holder: string, clock: Clock) {
    this.#name = name;
    this.#holder = holder;
    this.#clock = clock;
  }

  /** Runs `task` while no other tab runs one under this name. */
  async hold<T>(task: () => Promise<T>): Promise<T> {
    const database = await this.#open();
    if (!database) return task();
    try {
      while (!(await this.#take(database)))
        await new Promise<void>((resolve) => this.#clock.after(PAUSE_MILLISECONDS, resolve));
      return await task();
    } finally {
      await this.#giveBack(database);
      database.close();
    }
  }

  async #open(): Promise<IDBPDatabase<Schema> | null> {
    try {
      return await openDB<Schema>(DATABASE, 1, {
        upgrade: (database) => {
          database.createObjectStore('leases');
        },
      });
    } catch {
      return null;
    }
  }

  /** False while another tab has the lease. */
  async #take(database: IDBPDatabase<Schema>): Promise<boolean> {
    try {
      const { store, done } = database.transaction('leases', 'readwrite');
      const lease = await store.get(this.#name);
      const now = this.#clock.now();
      // No lease lasts longer, so one that ends later was made before the clock was set back.
      const isFree = !lease || lease.until <= now || lease.until > now + LEASE_MILLISECONDS;
      if (isFree)
        void store.put({ holder: this.#holder, until: now + LEASE_MILLISECONDS }, this.#name);
      await done;
      return isFree;
    } catch {
      return true;
    }
  }

  async #giveBack(database: IDBPDatabase<Schema>): Promise<void> {
    try {
      const { store, done } = database.transaction('leases', 'readwrite');
      if ((await store.get(this.#name))?.holder === this.#holder) void store.delete(this.#name);
      await done;
    } catch {
      // It ends by itself.
    }
  }
}
