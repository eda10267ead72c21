import { ConsumersApi } from 'tailwire-client/wire/api/consumers';
import type { Consumer } from 'tailwire-client/wire/consumers';
import type { Requests } from 'tailwire-client/wire/requests';
import { PagedList } from '../wire/paged_list';

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
