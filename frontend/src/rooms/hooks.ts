import { HooksApi } from 'tailwire-client/wire/api/hooks';
import type { Hook, MadeHook } from 'tailwire-client/wire/hooks';
import type { Requests } from 'tailwire-client/wire/requests';
import { shareable } from '../wire/address';
import { PagedList } from '../wire/paged_list';

/** The hook that writes as a user in a room; null where it is none, or is not known. */
export async function hookOf(
  requests: Requests,
  room_id: string,
  user_id: string,
): Promise<Hook | null> {
  const page = await new HooksApi(requests).list(room_id).catch(() => null);
  return page?.items.find((hook) => hook.user_id === user_id) ?? null;
}

/** The incoming hooks of one room. */
export class Hooks extends PagedList<Hook> {
  readonly #api: HooksApi;
  readonly #room_id: string;
  readonly #address: string;

  /** `page` is the address of the directory of this page. */
  constructor(requests: Requests, room_id: string, page: string) {
    const api = new HooksApi(requests);
    super((cursor) => api.list(room_id, cursor));
    this.#api = api;
    this.#room_id = room_id;
    this.#address = page;
  }

  /** Makes a hook. The server tells its address only now. */
  async make(name: string): Promise<MadeHook> {
    const hook = await this.#api.make(this.#room_id, name);
    void this.load();
    const path = hook.url.slice(hook.url.lastIndexOf('hooks/'));
    return { ...hook, url: shareable(hook.url, path, this.#address) };
  }

  async end(id: string): Promise<void> {
    await this.#api.end(this.#room_id, id);
    this.change((items) => items.filter(({ hook_id }) => hook_id !== id));
  }
}
