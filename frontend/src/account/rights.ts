import { signal } from '@preact/signals';
import type { AccountApi } from 'tailwire-client/wire/api/account';

/** What the user may do on the whole server. */
export class Rights {
  /** Whether the user is an administrator, as far as this page knows; null before it has asked. */
  readonly isAdmin = signal<boolean | null>(null);
  readonly #account: Pick<AccountApi, 'me'>;

  constructor(account: Pick<AccountApi, 'me'>) {
    this.#account = account;
  }

  /** Finds out whether the user is an administrator. If that fails, what was known stays. */
  async look(): Promise<void> {
    const me = await this.#account.me().catch(() => null);
    if (me) this.isAdmin.value = me.admin === true;
  }
}
