import type { AccountApi } from '../wire/api/account';
import { Problem } from '../wire/problem';

// The last line says that nothing is missing; it is far shorter.
const END_BYTES = 64;

/** Everything that the user wrote and owns, to be kept as a file. */
export class Takeout {
  readonly #account: AccountApi;

  constructor(account: AccountApi) {
    this.#account = account;
  }

  /** Fails with a Problem, for a file that is not whole too: an answer that broke off looks like one that ended. */
  async fetch(onBytes: (count: number) => void, signal: AbortSignal): Promise<Blob> {
    const file = await this.#account.export(onBytes, signal);
    const end = await file.slice(-END_BYTES).text();
    if (end.trimEnd().split('\n').at(-1) !== '{"type":"end"}')
      throw new Problem({ status: 503, code: 'unavailable' });
    return file;
  }
}

/** As people say it, in steps of a thousand: "340 kB". */
export function sizeText(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
