import { signal } from '@preact/signals';
import type { TextStorage } from '../browser/storage';

// The drafts that were not touched for longest are forgotten.
const MOST_DRAFTS = 200;

type Texts = ReadonlyMap<string, string>;

/** The unsent texts of the user, by room or other place. All tabs have the same, also after they were closed. */
export class Drafts {
  readonly #storage: TextStorage;
  readonly #key: string;
  readonly #texts = signal<Texts>(new Map());
  /** Changes with the first letter of a draft and when it is gone, and not with each letter. */
  readonly #names = signal<ReadonlySet<string>>(new Set());

  /** `storage` is shared by all tabs. */
  constructor(storage: TextStorage, user_id: string) {
    this.#storage = storage;
    this.#key = `tailwire.drafts.${user_id}`;
    this.#keep(this.#stored());
  }

  get(name: string): string {
    return this.#texts.value.get(name) ?? '';
  }

  /** The same, for who does not follow its changes. */
  peek(name: string): string {
    return this.#texts.peek().get(name) ?? '';
  }

  /** Whether there is a draft of this name. */
  has(name: string): boolean {
    return this.#names.value.has(name);
  }

  set(name: string, text: string): void {
    // What another tab has stored meanwhile stays.
    const others = [...this.#stored()].filter(([other]) => other !== name);
    const all: [string, string][] = text === '' ? others : [...others, [name, text]];
    const kept = all.slice(-MOST_DRAFTS);
    this.#keep(new Map(kept));
    this.#storage.setItem(this.#key, JSON.stringify(kept));
  }

  /** Another tab has changed what is stored under this key; null stands for all keys. */
  heard(key: string | null): void {
    if (key === null || key === this.#key) this.#keep(this.#stored());
  }

  forget(): void {
    this.#keep(new Map());
    this.#storage.removeItem(this.#key);
  }

  #stored(): Texts {
    try {
      const stored: unknown = JSON.parse(this.#storage.getItem(this.#key) ?? '[]');
      return new Map(Array.isArray(stored) ? (stored as [string, string][]) : []);
    } catch {
      return new Map();
    }
  }

  #keep(texts: Texts): void {
    const before = this.#names.peek();
    this.#texts.value = texts;
    const isSame =
      before.size === texts.size && [...texts.keys()].every((name) => before.has(name));
    if (!isSame) this.#names.value = new Set(texts.keys());
  }
}
