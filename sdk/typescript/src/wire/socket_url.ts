/** The address of the socket of a server. */
export function socketUrl(apiUrl: string): string {
  const url = new URL('ws/messages', apiUrl);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
