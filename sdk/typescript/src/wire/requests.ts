import type { Access } from './access.ts';
import type { Http, RequestOptions } from './http.ts';

/** Requests with an access token. */
export class Requests {
  readonly #http: Http;
  readonly #access: Access;

  constructor(http: Http, access: Access) {
    this.#http = http;
    this.#access = access;
  }

  get<T>(path: string, query: RequestOptions['query'] = {}): Promise<T> {
    return this.send('GET', path, { query });
  }

  send<T = void>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    return this.#access.use((token) => this.#http.exchange<T>(method, path, token, options));
  }

  download(path: string, onBytes: (count: number) => void, signal: AbortSignal): Promise<Blob> {
    return this.#access.use((token) => this.#http.download(path, token, onBytes, signal));
  }
}
