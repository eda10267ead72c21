import { signal } from '@preact/signals';
import type { ServerApi } from 'tailwire-client/wire/api/server';
import { Problem } from 'tailwire-client/wire/problem';
import type { Server } from 'tailwire-client/wire/protocol';
import type { Invitation } from 'tailwire-client/wire/room_invites';

// What a server of a version before `GET /server` is: it lets everybody sign up.
const UNKNOWN: Server = { name: 'Tailwire', version: '', signup: 'open' };

// What an invite of a version before `GET /invites/{code}` is: it leads to the server.
const TO_SERVER: Invitation = { room_name: null, member_count: null, invited_by: null };

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

  /** Where an invite leads. Fails with a Problem where it is not valid. */
  invitation(code: string): Promise<Invitation> {
    return this.#api.invitation(code).catch((problem) => {
      if (problem instanceof Problem && problem.code === 'not_found') return TO_SERVER;
      throw problem;
    });
  }
}
