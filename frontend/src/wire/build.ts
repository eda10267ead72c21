import { signal } from '@preact/signals';

// The name of a build's script contains a hash of its content: "./assets/index-BaeDXW4v.js".
const SCRIPT = /<script[^>]*\btype="module"[^>]*\bsrc="([^"]+)"/;

/** Notices when the server has a newer build of the page than the one that runs. */
export class Build {
  readonly outdated = signal(false);
  readonly #fetch: typeof fetch;
  readonly #page: string;
  readonly #script: string | null;

  /** `script` is the name of the script in the running page; null where it has none. */
  constructor(fetch: typeof globalThis.fetch, page: string, script: string | null) {
    this.#fetch = fetch;
    this.#page = page;
    this.#script = script;
  }

  /** Loads the page again and compares. An answer that is not this app's page is ignored. */
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
