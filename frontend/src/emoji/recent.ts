import { type ReadonlySignal, signal } from '@preact/signals';
import type { TextStorage } from '../browser/storage';

const KEY = 'tailwire.emoji';
// Three rows of the picker.
const MOST = 24;

/** The emoji that were picked last, newest first. They are kept on this machine until log-out. */
export class RecentEmoji {
  readonly #storage: TextStorage;
  readonly #list = signal<readonly string[]>([]);

  constructor(storage: TextStorage) {
    this.#storage = storage;
    try {
      const stored: unknown = JSON.parse(storage.getItem(KEY) ?? '[]');
      if (Array.isArray(stored))
        this.#list.value = stored.filter((one) => typeof one === 'string').slice(0, MOST);
    } catch {
      storage.removeItem(KEY);
    }
  }

  get list(): ReadonlySignal<readonly string[]> {
    return this.#list;
  }

  picked(emoji: string): void {
    const others = this.#list.peek().filter((one) => one !== emoji);
    this.#list.value = [emoji, ...others].slice(0, MOST);
    this.#storage.setItem(KEY, JSON.stringify(this.#list.peek()));
  }

  forget(): void {
    this.#list.value = [];
    this.#storage.removeItem(KEY);
  }
}
