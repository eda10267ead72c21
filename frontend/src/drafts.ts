import { signal } from '@preact/signals';

const STORAGE_KEY = 'tailwire.drafts';

/** What was typed and not sent yet, per room; survives a reload of this tab. */
export class Drafts {
  readonly #storage: Storage;
  readonly #texts = signal<ReadonlyMap<string, string>>(new Map());

  constructor(storage: Storage) {
    this.#storage = storage;
    try {
      const stored: unknown = JSON.parse(storage.getItem(STORAGE_KEY) ?? '[]');
      if (Array.isArray(stored)) this.#texts.value = new Map(stored as [string, string][]);
    } catch {
      storage.removeItem(STORAGE_KEY);
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
    try {
      this.#storage.setItem(STORAGE_KEY, JSON.stringify([...texts]));
    } catch {
      // Storage is full or switched off: the draft lives as long as the page.
    }
  }

  forget(): void {
    this.#texts.value = new Map();
    this.#storage.removeItem(STORAGE_KEY);
  }
}
