import { signal } from '@preact/signals';
import type { ServerApi } from '../wire/api/server';
import type { Server } from '../wire/protocol';

// What a server of a version before `GET /server` is: it lets everybody sign up.
const UNKNOWN: Server = { name: 'Tailwire', version: '', signup: 'open' };

/** What this page knows of its server before the user logs in. */
export class About {
  /** Null until the server has answered. */
  readonly server = signal<Server | null>(null);
  readonly #api: ServerApi;

  constructor(api: ServerApi) {
    this.#api = api;
  }

  /** Asks once. A server that cannot be asked refuses whoever may not sign up. */
  async load(): Promise<void> {
    if (this.server.peek()) return;
    this.server.value = await this.#api.about().catch(() => UNKNOWN);
  }
}
