import type { Consumer } from '../consumers.ts';
import type { Page } from '../protocol.ts';
import type { Requests } from '../requests.ts';

/** The consumers of a user. `of` is the id of a bot of theirs, or null for the user. */
export class ConsumersApi {
  readonly #requests: Requests;
  readonly #path: string;

  constructor(requests: Requests, of: string | null) {
    this.#requests = requests;
    this.#path = of === null ? 'consumers' : `bots/${encodeURIComponent(of)}/consumers`;
  }

  /** All of them, by name. How far each has read is told one by one. */
  async list(): Promise<Page<Consumer>> {
    const { items } = await this.#requests.get<{ items: { name: string }[] }>(this.#path, {});
    const one = ({ name }: { name: string }) => this.#requests.get<Consumer>(this.#of(name), {});
    return { items: await Promise.all(items.map(one)), next_cursor: null };
  }

  end(name: string): Promise<void> {
    return this.#requests.send('DELETE', this.#of(name));
  }

  #of(name: string): string {
    return `${this.#path}/${encodeURIComponent(name)}`;
  }
}
