import type { Made, Page } from 'tailwire-client/wire/protocol';
import { shareable } from './address';
import { PagedList } from './paged_list';

interface InvitesApi<Invite, New> {
  list(cursor?: string): Promise<Page<Invite>>;
  make(wanted: New): Promise<Made<Invite>>;
  end(id: string): Promise<void>;
}

/** Invites to the server or to one room, the newest first. */
export class Invites<Invite extends { invite_id: string }, New> extends PagedList<Invite> {
  readonly #api: InvitesApi<Invite, New>;
  readonly #address: string;

  /** `page` is the address of this page without its hash. */
  constructor(api: InvitesApi<Invite, New>, page: string) {
    super((cursor) => api.list(cursor));
    this.#api = api;
    this.#address = page;
  }

  /** Makes an invite, and returns its link, which the server shows only now. Fails with a Problem. */
  async make(wanted: New): Promise<string> {
    const { code, url, ...made } = await this.#api.make(wanted);
    // What is left is the invite itself.
    const invite = made as unknown as Invite;
    this.change((items) => [invite, ...items.filter((one) => one.invite_id !== invite.invite_id)]);
    return shareable(url, `#/invite/${code}`, this.#address);
  }

  /** Fails with a Problem. */
  async end(id: string): Promise<void> {
    await this.#api.end(id);
    this.change((items) => items.filter(({ invite_id }) => invite_id !== id));
  }
}
