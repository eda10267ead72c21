import { signal } from '@preact/signals';
import { Freshness } from '../browser/freshness';
import type { BlocksApi } from '../wire/api/blocks';
import type { Page, PublicUser } from '../wire/protocol';

const LIST = 'list';

/** Whom the user blocked: what they write is hidden. */
export class Blocks {
  readonly #api: BlocksApi;
  readonly #freshness = new Freshness();
  readonly #ids = signal<ReadonlySet<string>>(new Set());

  constructor(api: BlocksApi) {
    this.#api = api;
  }

  has(user_id: string): boolean {
    return this.#ids.value.has(user_id);
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
      return;
    }
    if (this.#freshness.isOutdated(LIST, asked)) await this.load();
    else this.#ids.value = ids;
  }

  /** Blocks a user, or ends that. Fails with a Problem. */
  async set(user_id: string, isBlocked: boolean): Promise<void> {
    await this.#api.set(user_id, isBlocked);
    this.#freshness.learned(LIST);
    const ids = new Set(this.#ids.peek());
    if (isBlocked) ids.add(user_id);
    else ids.delete(user_id);
    this.#ids.value = ids;
  }
}
