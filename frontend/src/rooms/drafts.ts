import { signal } from '@preact/signals';
import type { TextStorage } from '../browser/storage';

/** The unsent text of the user in each room. It survives a reload of the tab. */
export class Drafts {
  readonly #storage: TextStorage;
  readonly #key: string;
  readonly #texts = signal<ReadonlyMap<string, string>>(new Map());
  /** Changes with the first letter of a draft and when it is gone, and not with each letter. */
  readonly #names = signal<ReadonlySet<string>>(new Set());

  constructor(storage: TextStorage, user_id: string) {
    this.#storage = storage;
    this.#key = `tailwire.drafts.${user_id}`;
    try {
      const stored: unknown = JSON.parse(storage.getItem(this.#key) ?? '[]');
      if (Array.isArray(stored)) this.#keep(new Map(stored as [string, string][]));
    } catch {
      storage.removeItem(this.#key);
    }
  }

  get(room_id: string): string {
    return this.#texts.value.get(room_id) ?? '';
  }

  /** Whether there is a draft in the room. */
  has(room_id: string): boolean {
    return this.#names.value.has(room_id);
  }

  set(room_id: string, text: string): void {
    const texts = new Map(this.#texts.peek());
    if (text === '') texts.delete(room_id);
    else texts.set(room_id, text);
    this.#keep(texts);
    this.#storage.setItem(this.#key, JSON.stringify([...texts]));
  }

  forget(): void {
    this.#keep(new Map());
    this.#storage.removeItem(this.#key);
  }

  #keep(texts: ReadonlyMap<string, string>): void {
    const before = this.#names.peek();
    this.#texts.value = texts;
    const isSame =
      before.size === texts.size && [...texts.keys()].every((name) => before.has(name));
    if (!isSame) this.#names.value = new Set(texts.keys());
  }
}
