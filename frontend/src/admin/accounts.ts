import type { Clock } from 'tailwire-client/clock';
import type {
  Account,
  AccountState,
  AccountToMake,
  AdminApi,
} from 'tailwire-client/wire/api/admin';
import { SearchedList } from '../wire/searched_list';

/** The accounts of the server, page by page: all, or those that are looked for. */
export class Accounts extends SearchedList<Account> {
  readonly #api: AdminApi;
  #state: AccountState | null = null;

  constructor(api: AdminApi, clock: Clock) {
    super((wanted, cursor) => api.accounts(wanted, this.#state, cursor), clock);
    this.#api = api;
  }

  /** Whether only some of the accounts are looked for. */
  get isFiltered(): boolean {
    return this.wanted !== '' || this.#state !== null;
  }

  /** Lists only the accounts in a state, or all again. */
  choose(state: AccountState | null): void {
    this.#state = state;
    void this.load();
  }

  /** Makes an account, which is then the first of the list. */
  async make(account: AccountToMake): Promise<void> {
    const made = await this.#api.make(account);
    this.change((items) => [made, ...items.filter(({ id }) => id !== made.id)]);
  }

  async set(id: string, flags: { disabled: boolean } | { admin: boolean }): Promise<void> {
    this.#replace(await this.#api.change(id, flags));
  }

  /** Takes the picture of a user away. */
  async removeAvatar(account: Account): Promise<void> {
    await this.#api.removeAvatar(account.id);
    this.#replace({ ...account, avatar: null });
  }

  /** Begins to erase an account. It stays in the list, marked, until the list is loaded again. */
  async erase(account: Account): Promise<void> {
    await this.#api.erase(account.id);
    this.#replace({ ...account, disabled: true, erasing: true });
  }

  #replace(changed: Account): void {
    this.change((items) => items.map((one) => (one.id === changed.id ? changed : one)));
  }
}
