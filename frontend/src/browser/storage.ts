import { type ReadonlySignal, signal } from '@preact/signals';

/** What a page needs of `localStorage` and `sessionStorage`. */
export type TextStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** Whether the browser keeps what the page stores; why not, where it does not. */
export type Keeping = 'kept' | 'full' | 'blocked';

/**
 * A storage that never fails. What the browser does not keep, because the user blocked site data or
 * because there is no space left, lasts as long as the page.
 */
export class SafeStorage implements TextStorage {
  readonly #keeping = signal<Keeping>('kept');
  readonly #storage: TextStorage | null;
  /** What the browser did not keep. */
  readonly #memory = new Map<string, string>();

  /** `open` returns the browser's storage. It may fail, and there may be none. */
  constructor(open: () => TextStorage | null) {
    this.#storage = attempt(open) ?? null;
    if (!this.#storage) this.#keeping.value = 'blocked';
  }

  get keeping(): ReadonlySignal<Keeping> {
    return this.#keeping;
  }

  getItem(key: string): string | null {
    return this.#memory.get(key) ?? attempt(() => this.#storage?.getItem(key)) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#memory.set(key, value);
    if (!this.#storage) return;
    try {
      this.#storage.setItem(key, value);
      this.#memory.delete(key);
    } catch {
      // Otherwise the older value would be back after a reload.
      attempt(() => this.#storage?.removeItem(key));
      this.#keeping.value = 'full';
    }
  }

  removeItem(key: string): void {
    this.#memory.delete(key);
    attempt(() => this.#storage?.removeItem(key));
  }
}

function attempt<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch {
    return undefined;
  }
}
