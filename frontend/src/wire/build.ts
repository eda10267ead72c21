import { signal } from '@preact/signals';

// The name of a build's script contains a hash of its content: "./assets/index-BaeDXW4v.js".
const SCRIPT = /<script\b[^<>]*>/g;
const SOURCE = /\bsrc="([^"]+)"/;
// The element that this app is drawn into: other pages with a script have no such element.
const ROOT = '<div id="app">';

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
    if (this.#script === null) return;
    const fetch = this.#fetch;
    try {
      const answer = await fetch(this.#page, { cache: 'no-cache' });
      const page = answer.ok ? await answer.text() : '';
      const served = page.includes(ROOT) ? scriptOf(page) : undefined;
      // Back to false too: while nodes are upgraded, an older one may answer first and a newer one later.
      if (served !== undefined) this.outdated.value = served !== this.#script;
    } catch {
      // The next connection asks again.
    }
  }
}

/** The name of the script in a page. */
function scriptOf(page: string): string | undefined {
  const tag = page.match(SCRIPT)?.find((one) => one.includes('type="module"'));
  return SOURCE.exec(tag ?? '')?.[1];
}
