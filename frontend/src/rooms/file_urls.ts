import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import type { FilesApi } from 'tailwire-client/wire/api/files';
import { Problem } from 'tailwire-client/wire/problem';

// What is asked for within this time is asked for together.
const GATHER_MILLISECONDS = 20;
const MOST_AT_ONCE = 100;
// An address is renewed so long before it ends, for a clock that is not right.
const MARGIN_MILLISECONDS = 60_000;
// The server promises an address for five minutes at least. Its clock may not be this one.
const HOLDS_MILLISECONDS = 5 * 60_000;
const RETRY_MILLISECONDS = 5_000;

interface Known {
  file_id: string;
  thumb: boolean;
  url: Signal<string | null>;
  /** When it has to be renewed, by this machine's clock. */
  until: number;
  holders: number;
}

/**
 * The addresses of files. Each holds for some minutes, so those that are shown are renewed before that. They are asked
 * for together: a screen of pictures is one request.
 */
export class FileUrls {
  readonly #api: Pick<FilesApi, 'addresses'>;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  #cancelAsk: (() => void) | null = null;
  #cancelRenewal: () => void = () => {};

  constructor(api: Pick<FilesApi, 'addresses'>, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  /** The path of a file or of its thumbnail; null while it is not known. */
  of(file_id: string, thumb: boolean): ReadonlySignal<string | null> {
    return this.#find(file_id, thumb).url;
  }

  /** Keeps the address of a file valid, until the returned function is called. */
  hold(file_id: string, thumb: boolean): () => void {
    const known = this.#find(file_id, thumb);
    known.holders += 1;
    if (this.#isDue(known)) this.#ask();
    return () => {
      known.holders -= 1;
    };
  }

  stop(): void {
    this.#cancelAsk?.();
    this.#cancelRenewal();
  }

  #find(file_id: string, thumb: boolean): Known {
    const key = `${file_id} ${thumb}`;
    const before = this.#known.get(key);
    if (before) return before;
    const known: Known = { file_id, thumb, url: signal(null), until: 0, holders: 0 };
    this.#known.set(key, known);
    return known;
  }

  #isDue({ until }: Known): boolean {
    return this.#clock.now() >= until;
  }

  #ask(): void {
    this.#cancelAsk ??= this.#clock.after(GATHER_MILLISECONDS, () => {
      this.#cancelAsk = null;
      // What was never asked for may be drawn just now, and is held when it is drawn.
      for (const [key, known] of this.#known)
        if (known.holders === 0 && known.until > 0 && this.#isDue(known)) this.#known.delete(key);
      const due = [...this.#known.values()].filter(
        (known) => known.holders > 0 && this.#isDue(known),
      );
      for (const thumb of [true, false]) {
        const wanted = due.filter((known) => known.thumb === thumb);
        for (let from = 0; from < wanted.length; from += MOST_AT_ONCE)
          void this.#request(wanted.slice(from, from + MOST_AT_ONCE), thumb);
      }
    });
  }

  async #request(wanted: readonly Known[], thumb: boolean): Promise<void> {
    const now = this.#clock.now();
    const until = now + HOLDS_MILLISECONDS - MARGIN_MILLISECONDS;
    for (const known of wanted) known.until = until;
    try {
      const ids = wanted.map(({ file_id }) => file_id);
      const found = new Map<string, string>();
      for (const { file_id, url } of await this.#api.addresses(ids, thumb)) found.set(file_id, url);
      for (const known of wanted) known.url.value = pathOf(found.get(known.file_id));
    } catch (error) {
      const isTemporary = error instanceof Problem && error.temporary;
      for (const known of wanted) {
        // What nobody may see any more has no address.
        if (isTemporary) known.until = now + RETRY_MILLISECONDS;
        else known.url.value = null;
      }
    }
    this.#renewLater();
  }

  /** Asks again when the first of the addresses that are shown has to be renewed. */
  #renewLater(): void {
    const held = [...this.#known.values()].filter(({ holders }) => holders > 0);
    if (held.length === 0) return;
    const next = Math.min(...held.map(({ until }) => until));
    this.#cancelRenewal();
    this.#cancelRenewal = this.#clock.after(Math.max(0, next - this.#clock.now()), () =>
      this.#ask(),
    );
  }
}

/**
 * The address from the page on. The policy of the page allows its own origin only, and the server may give itself another
 * name, and a path below which the page is.
 */
function pathOf(url: string | undefined): string | null {
  if (url === undefined) return null;
  const { pathname, search } = new URL(url, 'http://server.invalid');
  return pathname.slice(pathname.lastIndexOf('/files/') + 1) + search;
}
