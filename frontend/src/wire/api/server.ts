import type { Http } from '../http';
import type { Server } from '../protocol';

/** What anybody may know of the server. */
export class ServerApi {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  about(): Promise<Server> {
    return this.#http.exchange('GET', 'server', null);
  }
}
