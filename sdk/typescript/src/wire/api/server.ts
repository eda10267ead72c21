import type { Http } from '../http.ts';
import type { Server } from '../protocol.ts';
import type { Invitation } from '../room_invites.ts';

/** What anybody may know of the server. */
export class ServerApi {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  about(): Promise<Server> {
    return this.#http.exchange('GET', 'server', null);
  }

  /** Where an invite leads. */
  invitation(code: string): Promise<Invitation> {
    return this.#http.exchange('GET', `invites/${encodeURIComponent(code)}`, null);
  }
}
