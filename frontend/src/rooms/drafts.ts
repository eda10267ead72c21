import { signal } from '@preact/signals';
import type { TextStorage } from '../browser/storage';

/** The unsent text of the user in each room. It survives a reload of the tab. */
export class Drafts {
  readonly #storage: TextStorage;
  readonly #key: string;
  readonly #texts = signal<ReadonlyMap<string, string>>(new Map());

  constructor(storage: TextStorage, user_id: string) {
    this.#storage = storage;
    this.#key = `tailwire.drafts.${user_id}`;
    try {
      const stored: unknown = JSON.parse(storage.getItem(this.#key) ?? '[]');
      if (Array.isArray(stored)) this.#texts.value = new Map(stored as [string, string][]);
    } catch {
      storage.removeItem(this.#key);
    }
  }

  get(room_id: string): string {
    return this.#texts.value.get(room_id) ?? '';
  }

  set(room_id: string, text: string): void {
    const texts = new Map(this.#texts.peek());
    if (text === '') texts.delete(room_id);
    else texts.set(room_id, text);
    this.#texts.value = texts;
    this.#storage.setItem(this.#key, JSON.stringify([...texts]));
  }

  forget(): void {
    this.#texts.value = new Map();
    this.#storage.removeItem(this.#key);
  }
}
