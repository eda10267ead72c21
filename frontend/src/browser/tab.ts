import type { Clock } from 'tailwire-client/clock';
import type { TextStorage } from './storage';

const STORAGE_KEY = 'tailwire.tab';
// A reloaded page may start before the old page has released its lock.
const TAKEN_MILLISECONDS = 500;

interface TabOptions {
  storage: TextStorage;
  /** Undefined where the page came over plain http. */
  locks: Pick<LockManager, 'request'> | undefined;
  clock: Clock;
  makeId(): string;
}

/**
 * This tab, and whether other tabs of the user still exist. The id of a tab survives a reload. The
 * page holds a lock with that id until it ends in any way, so a tab that can take the lock of
 * another knows that the other is gone.
 *
 * Without locks the id still survives, but no tab is ever seen as gone.
 */
export class Tab {
  readonly id: Promise<string>;
  readonly #options: TabOptions;

  constructor(options: TabOptions) {
    this.#options = options;
    this.id = this.#claim();
  }

  /** Runs `task` if the tab is gone. The tab cannot start again before `task` is done. */
  async ifGone(id: string, task: () => Promise<void>): Promise<void> {
    await this.#options.locks?.request(lockName(id), { ifAvailable: true }, async (lock) => {
      if (lock) await task();
    });
  }

  async #claim(): Promise<string> {
    const { storage, makeId } = this.#options;
    const before = storage.getItem(STORAGE_KEY);
    if (before && (await this.#hold(before))) return before;
    // A duplicated tab has a copy of the storage, so it needs a new id.
    const id = makeId();
    storage.setItem(STORAGE_KEY, id);
    await this.#hold(id);
    return id;
  }

  /** False where another tab holds the lock. */
  #hold(id: string): Promise<boolean> {
    const { locks, clock } = this.#options;
    if (!locks) return Promise.resolve(true);
    const abort = new AbortController();
    const cancel = clock.after(TAKEN_MILLISECONDS, () => abort.abort());
    return new Promise((resolve) => {
      const held = () => {
        cancel();
        resolve(true);
        return new Promise<never>(() => {});
      };
      locks.request(lockName(id), { signal: abort.signal }, held).catch(({ name }: Error) => {
        cancel();
        resolve(name !== 'AbortError');
      });
    });
  }
}

function lockName(id: string): string {
  return `tailwire.tab.${id}`;
}
