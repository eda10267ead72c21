import { signal } from '@preact/signals';

// A build names its script by what is in it: "./assets/index-BaeDXW4v.js".
const SCRIPT = /<script[^>]*\btype="module"[^>]*\bsrc="([^"]+)"/;

/** Whether a newer build of the page is served than the one that runs here. */
export class Build {
  readonly outdated = signal(false);
  readonly #fetch: typeof fetch;
  readonly #page: string;
  readonly #script: string | null;

  /** `script` is what the running page itself calls its script; null where it has none. */
  constructor(fetch: typeof globalThis.fetch, page: string, script: string | null) {
    this.#fetch = fetch;
    this.#page = page;
    this.#script = script;
  }

  /** Asks for the page again. An answer that is not this app's page says nothing. */
  async check(): Promise<void> {
    if (this.#script === null || this.outdated.peek()) return;
    const fetch = this.#fetch;
    try {
      const answer = await fetch(this.#page, { cache: 'no-cache' });
      const served = answer.ok ? SCRIPT.exec(await answer.text())?.[1] : undefined;
      if (served !== undefined && served !== this.#script) this.outdated.value = true;
    } catch {
      // The next connection asks again.
    }
  }
}
