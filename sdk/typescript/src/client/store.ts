/** Keeps texts by name beyond the life of the program. Write your own for what your platform has. */
export interface Store {
  /** The text that was kept last under this name, or null. */
  read(name: string): Promise<string | null>;
  /** Keeps a text in place of the one before. It is durable when the promise is fulfilled. */
  write(name: string, text: string): Promise<void>;
}

/** Keeps texts as long as the program runs. */
export class MemoryStore implements Store {
  readonly #texts = new Map<string, string>();

  async read(name: string): Promise<string | null> {
    return this.#texts.get(name) ?? null;
  }

  async write(name: string, text: string): Promise<void> {
    this.#texts.set(name, text);
  }
}

/** One JSON value in a store. Writes are made one after the other, and the newest value wins. */
export class Kept<T> {
  readonly #store: Store;
  readonly #name: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(store: Store, name: string) {
    this.#store = store;
    this.#name = name;
  }

  async read(): Promise<T | null> {
    const text = await this.#store.read(this.#name);
    return text === null ? null : (JSON.parse(text) as T);
  }

  write(value: T): Promise<void> {
    const text = JSON.stringify(value);
    const next = this.#writing.catch(() => {}).then(() => this.#store.write(this.#name, text));
    this.#writing = next;
    return next;
  }
}
