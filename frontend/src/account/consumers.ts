import { ConsumersApi } from '../wire/api/consumers';
import type { Consumer } from '../wire/consumers';
import { PagedList } from '../wire/paged_list';
import type { Requests } from '../wire/requests';

/** The consumers of the user, or of one of their bots. */
export class Consumers extends PagedList<Consumer> {
  readonly #api: ConsumersApi;

  constructor(requests: Requests, of: string | null) {
    const api = new ConsumersApi(requests, of);
    super(() => api.list());
    this.#api = api;
  }

  /** Ends a consumer. The server forgets how far it has read. */
  async end(name: string): Promise<void> {
    await this.#api.end(name);
    this.change((items) => items.filter((one) => one.name !== name));
  }
}

/** How far a consumer has read, in plain words. */
export function lagText({ lag }: Consumer): string {
  if (lag === 0) return 'Has read everything';
  return lag === 1 ? '1 entry behind' : `${lag.toLocaleString('en')} entries behind`;
}
