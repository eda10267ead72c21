import { signal } from '@preact/signals';
import type { BlocksApi } from 'tailwire-client/wire/api/blocks';
import type { Page, PublicUser } from 'tailwire-client/wire/protocol';
import { Freshness } from '../browser/freshness';
import type { TextStorage } from '../browser/storage';

const LIST = 'list';

/** Whom the user blocked: what they write is hidden. It is kept on this machine, so that it is known at once. */
export class Blocks {
  readonly #api: BlocksApi;
  readonly #storage: TextStorage;
  readonly #key: string;
  readonly #freshness = new Freshness();
  readonly #ids = signal<ReadonlySet<string>>(new Set());
  /** False until it is known, or cannot be, whom the user blocked. */
  readonly #isKnown = signal(false);

  constructor(api: BlocksApi, storage: TextStorage, user_id: string) {
    this.#api = api;
    this.#storage = storage;
    this.#key = `tailwire.blocks.${user_id}`;
    const kept = storage.getItem(this.#key);
    if (kept !== null) this.#learn(kept ? kept.split(' ') : []);
  }

  has(user_id: string): boolean {
    return this.#ids.value.has(user_id);
  }

  /** Whether it is not known yet whom the user blocked. What others wrote is not shown so long. */
  isUnknown(): boolean {
    return !this.#isKnown.value;
  }

  /** The users, the newest block first, page by page. */
  page(cursor: string | undefined): Promise<Page<PublicUser>> {
    return this.#api.list(cursor);
  }

  /** Learns whom the user blocked, also on other devices. Where that fails, what was known stays. */
  async load(): Promise<void> {
    const asked = this.#freshness.ask();
    const ids = new Set<string>();
    let cursor: string | undefined;
    try {
      do {
        const page = await this.#api.list(cursor);
        for (const { id } of page.items) ids.add(id);
        cursor = page.next_cursor ?? undefined;
      } while (cursor);
    } catch {
      // It is asked again with the next connection.
      return this.settle();
    }
    if (this.#freshness.isOutdated(LIST, asked)) await this.load();
    else this.#keep(ids);
  }

  /** The server has no blocks, or does not answer: nothing waits for them any more. */
  settle(): void {
    this.#isKnown.value = true;
  }

  /** Blocks a user, or ends that. Fails with a Problem. */
  async set(user_id: string, isBlocked: boolean): Promise<void> {
    await this.#api.set(user_id, isBlocked);
    this.#freshness.learned(LIST);
    const ids = new Set(this.#ids.peek());
    if (isBlocked) ids.add(user_id);
    else ids.delete(user_id);
    this.#keep(ids);
  }

  /** The user logs out. */
  forget(): void {
    this.#storage.removeItem(this.#key);
  }

  #keep(ids: Iterable<string>): void {
    this.#learn(ids);
    this.#storage.setItem(this.#key, [...this.#ids.peek()].join(' '));
  }

  #learn(ids: Iterable<string>): void {
    this.#ids.value = new Set(ids);
    this.settle();
  }
}
