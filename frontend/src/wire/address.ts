const LOOPBACK = /^(localhost|127\.[0-9.]+|\[::1\])$/;

/** The address of the API: from config.json, or else the directory of this page. */
export async function readApiUrl(fetch: typeof globalThis.fetch, page: string): Promise<string> {
  const own = new URL('.', page).href;
  try {
    const answer = await fetch(new URL('config.json', page), { cache: 'no-cache' });
    if (!answer.ok) return own;
    const { api_url } = (await answer.json()) as { api_url?: unknown };
    if (typeof api_url !== 'string' || api_url === '') return own;
    const url = new URL(api_url.endsWith('/') ? api_url : `${api_url}/`, page);
    return /^https?:$/.test(url.protocol) ? url.href : own;
  } catch {
    return own;
  }
}

/**
 * An address to give away, which begins with `page` where that is better: a server without `TAILWIRE_URL` knows only its
 * address on its own machine, and this page may have come from another one.
 */
export function shareable(url: string, rest: string, page: string): string {
  const isOwn = LOOPBACK.test(new URL(url).hostname);
  return isOwn && !LOOPBACK.test(new URL(page).hostname) ? `${page}${rest}` : url;
}
