import { timeoutSignal } from '../timeout.ts';
import { Problem, type ProblemBody, unreachable } from './problem.ts';

// A server may accept a request and never answer it.
const REQUEST_TIMEOUT_MILLISECONDS = 20_000;

type Query = Record<string, string | number | undefined>;

export interface RequestOptions {
  body?: unknown;
  query?: Query;
  /** The request sets, uses or clears the session cookie, if there is one. */
  session?: boolean;
  /** The request is finished even when the page is closed meanwhile. */
  keepalive?: boolean;
  /** A request that is no JSON, with its own end. */
  raw?: { body: Blob | null; headers: Record<string, string>; signal: AbortSignal };
}

/** Sends one HTTP request and reads the answer. Fails with a Problem only. */
export class Http {
  readonly #url: string;
  readonly #fetch: typeof fetch;
  readonly #byCookie: boolean;

  /** `byCookie` means that the session is kept in a cookie. */
  constructor(url: string, fetch: typeof globalThis.fetch, byCookie: boolean) {
    this.#url = url;
    this.#fetch = fetch;
    this.#byCookie = byCookie;
  }

  async exchange<T>(
    method: string,
    path: string,
    token: string | null,
    options: RequestOptions = {},
  ): Promise<T> {
    const answer = await this.#answer(path, options, {
      method,
      ...(options.keepalive && { keepalive: true }),
      signal: timeoutSignal(REQUEST_TIMEOUT_MILLISECONDS),
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      ...options.raw,
      headers: this.#headers(token, options),
    });
    const value = await jsonIn(answer);
    if (!answer.ok) throw problemOf(answer, value);
    if (value === undefined && answer.status !== 204) throw unreachable();
    return value as T;
  }

  /**
   * Loads a file of any size. `onBytes` is told how many bytes have come; the total is not known.
   */
  async download(
    path: string,
    token: string,
    onBytes: (count: number) => void,
    signal: AbortSignal,
  ): Promise<Blob> {
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await this.#answer(path, {}, { headers, signal });
    if (!answer.ok || !answer.body) throw problemOf(answer, await jsonIn(answer));
    try {
      const chunks = await read(answer.body, onBytes);
      return new Blob(chunks, { type: answer.headers.get('Content-Type') ?? '' });
    } catch {
      throw unreachable();
    }
  }

  async #answer(path: string, { query = {} }: RequestOptions, init: RequestInit) {
    const url = new URL(path, this.#url);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const fetch = this.#fetch;
    try {
      return await fetch(url, { credentials: 'same-origin', cache: 'no-store', ...init });
    } catch {
      throw unreachable();
    }
  }

  #headers(token: string | null, options: RequestOptions): Record<string, string> {
    return {
      Accept: 'application/json',
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(options.body !== undefined && { 'Content-Type': 'application/json' }),
      ...(options.session && this.#byCookie && { 'X-Tailwire-Session': 'cookie' }),
      ...options.raw?.headers,
    };
  }
}

async function read(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onBytes: (count: number) => void,
): Promise<Uint8Array<ArrayBuffer>[]> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let count = 0;
  const reader = body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    chunks.push(part.value);
    count += part.value.byteLength;
    onBytes(count);
  }
  return chunks;
}

/** The JSON of the answer; undefined where it is not JSON. */
async function jsonIn(answer: Response): Promise<unknown> {
  let text: string;
  try {
    text = await answer.text();
  } catch {
    throw unreachable();
  }
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemOf(answer: Response, value: unknown): Problem {
  const body = (typeof value === 'object' && value !== null ? value : {}) as ProblemBody;
  const header = Number(answer.headers.get('Retry-After') ?? Number.NaN);
  const wait = body.retry_after_seconds ?? (Number.isFinite(header) ? header : undefined);
  // A proxy in front of a stopped server answers 502, 503 or 504 with its own page.
  const code = body.code ?? (answer.status >= 502 ? 'unavailable' : undefined);
  return new Problem({
    ...body,
    status: answer.status,
    ...(code && { code }),
    ...(wait !== undefined && { retry_after_seconds: wait }),
  });
}
