import type { Clock } from './clock';

const STORAGE_KEY = 'tailwire.tab';
// A reloaded page may start before the lock of the one that it replaces is free.
const TAKEN_MILLISECONDS = 500;

interface TabOptions {
  storage: Storage;
  /** Missing on plain http. */
  locks: Pick<LockManager, 'request'> | undefined;
  clock: Clock;
  makeId(): string;
}

/**
 * This tab among its user's others. Its id survives a reload, and a lock of that name is held for as
 * long as the page lives, however it ends: whoever can take the lock knows that the tab is gone.
 *
 * Without locks the id still survives, and nobody is ever taken for gone.
 */
export class Tab {
  readonly id: Promise<string>;
  readonly #options: TabOptions;

  constructor(options: TabOptions) {
    this.#options = options;
    this.id = this.#claim();
  }

  /** Runs `task` if the tab is gone, and keeps it from coming back until that is done. */
  async ifGone(id: string, task: () => Promise<void>): Promise<void> {
    await this.#options.locks?.request(lockName(id), { ifAvailable: true }, async (lock) => {
      if (lock) await task();
    });
  }

  async #claim(): Promise<string> {
    const { storage, makeId } = this.#options;
    const before = storage.getItem(STORAGE_KEY);
    if (before && (await this.#hold(before))) return before;
    // Duplicating a tab copies its storage: the twin needs an id of its own.
    const id = makeId();
    try {
      storage.setItem(STORAGE_KEY, id);
    } catch {
      // Storage is full: after a reload this is another tab.
    }
    await this.#hold(id);
    return id;
  }

  /** False where another tab holds it. */
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
