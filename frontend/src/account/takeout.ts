import type { AccountApi } from 'tailwire-client/wire/api/account';
import { Problem } from 'tailwire-client/wire/problem';

// The export ends with a line that says that nothing is missing. The line is shorter than this.
const END_BYTES = 64;

/** Fetches everything that the user wrote and owns, as a file. */
export class Takeout {
  readonly #account: AccountApi;

  constructor(account: AccountApi) {
    this.#account = account;
  }

  /**
   * Fails with a Problem, also when the file is incomplete: an aborted answer looks like a complete
   * one.
   */
  async fetch(onBytes: (count: number) => void, signal: AbortSignal): Promise<Blob> {
    const file = await this.#account.export(onBytes, signal);
    const end = await file.slice(-END_BYTES).text();
    if (end.trimEnd().split('\n').at(-1) !== '{"type":"end"}')
      throw new Problem({ status: 503, code: 'unavailable' });
    return file;
  }
}
