import { signal } from '@preact/signals';
import { Freshness } from '../browser/freshness';
import { shareable } from '../wire/address';
import type { InvitesApi, NewInvite } from '../wire/api/invites';
import { problemText } from '../wire/problem';
import type { Invite } from '../wire/protocol';

/** The invites to the server, which administrators make. */
export class Invites {
  readonly items = signal<readonly Invite[]>([]);
  readonly state = signal<'loading' | 'loaded' | 'failed'>('loading');
  readonly error = signal('');
  readonly #api: InvitesApi;
  readonly #page: string;
  readonly #freshness = new Freshness();

  /** `page` is the address of this page without its hash. */
  constructor(api: InvitesApi, page: string) {
    this.#api = api;
    this.#page = page;
  }

  async load(): Promise<void> {
    this.state.value = 'loading';
    const asked = this.#freshness.ask();
    try {
      const found = await this.#all();
      if (!this.#freshness.accepts('list', asked)) return;
      // What was made or ended since the list was asked for stays as it is.
      const isNewer = ({ invite_id }: Invite) => this.#freshness.isOutdated(invite_id, asked);
      this.items.value = [
        ...this.items.peek().filter(isNewer),
        ...found.filter((invite) => !isNewer(invite)),
      ];
      this.state.value = 'loaded';
    } catch (error) {
      if (!this.#freshness.accepts('list', asked)) return;
      this.error.value = problemText(error);
      this.state.value = 'failed';
    }
  }

  /** Makes an invite, and returns its link, which the server shows only now. */
  async make(wanted: NewInvite): Promise<string> {
    const { code, url, ...invite } = await this.#api.make(wanted);
    this.#freshness.learned(invite.invite_id);
    this.items.value = [invite, ...this.items.peek()];
    return shareable(url, `#/invite/${code}`, this.#page);
  }

  async end(id: string): Promise<void> {
    await this.#api.end(id);
    this.#freshness.learned(id);
    this.items.value = this.items.peek().filter(({ invite_id }) => invite_id !== id);
  }

  async #all(): Promise<Invite[]> {
    const found: Invite[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#api.list(cursor);
      found.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    return found;
  }
}
