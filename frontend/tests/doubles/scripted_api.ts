/** The server's HTTP side. The test answers the requests, and all of them are recorded. */
type Answer = { status?: number; body?: unknown; headers?: Record<string, string> };
type Handler = (request: RecordedRequest) => Answer | Promise<Answer>;

export interface RecordedRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  token: string | null;
  /** Where the client wants its session kept. */
  session: string | null;
  body: unknown;
}

export class ScriptedApi {
  readonly requests: RecordedRequest[] = [];
  readonly #handlers = new Map<string, Handler>();

  /** Answers `METHOD /path`, from now on. */
  on(request: string, handler: Handler | Answer): this {
    this.#handlers.set(request, typeof handler === 'function' ? handler : () => handler);
    return this;
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const url = new URL(String(input));
    const headers = (init?.headers ?? {}) as Record<string, string>;
    const request: RecordedRequest = {
      method: init?.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      token: headers.Authorization?.replace('Bearer ', '') ?? null,
      session: headers['X-Tailwire-Session'] ?? null,
      body: init?.body ? JSON.parse(String(init.body)) : undefined,
    };
    this.requests.push(request);
    const handler = this.#handlers.get(`${request.method} ${request.path}`);
    if (!handler) throw new TypeError(`nobody answers ${request.method} ${request.path}`);
    const answer = await handler(request);
    return respond(answer);
  };

  sent(request: string): RecordedRequest[] {
    return this.requests.filter(({ method, path }) => `${method} ${path}` === request);
  }
}

function respond({ status = 200, body, headers = {} }: Answer): Response {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: new Headers(headers),
    body: new Blob([text]).stream(),
    text: () => Promise.resolve(text),
    json: () => Promise.resolve(JSON.parse(text)),
  } as Response;
}
