import { signal } from '@preact/signals';

export type Route =
  | { name: 'home' }
  | {
      name: 'room';
      id: string;
      panel: 'members' | null;
      /** The root of the thread that is open beside the room. */
      thread: number | null;
      /** The message that is to be shown, in the thread where one is open. */
      seq: number | null;
    }
  | { name: 'browse' }
  | { name: 'mentions' }
  /** A page of the administrators' screen, and what it is about. */
  | { name: 'admin'; page: string; id: string }
  | { name: 'signup' }
  | { name: 'invite'; code: string }
  | { name: 'setup'; token: string };

// The server answers paths such as /rooms, so the page keeps its own addresses in the hash.
const SEQ = String.raw`([1-9]\d{0,14})`;
const ROOM = new RegExp(
  `^#/rooms/([A-Za-z0-9_-]{1,64})(?:/(members)|/messages/${SEQ}|/threads/${SEQ}(?:/${SEQ})?)?$`,
);
const ADMIN = /^#\/admin(?:\/([a-z]{1,32})(?:\/([A-Za-z0-9_-]{1,64}))?)?$/;
const INVITE = /^#\/invite\/([A-Za-z0-9_-]{1,64})$/;
const SETUP = /^#\/setup\/([A-Za-z0-9_-]{1,64})$/;

export function parseHash(hash: string): Route {
  const [, id, panel, message, thread, reply] = ROOM.exec(hash) ?? [];
  if (id)
    return {
      ...{ name: 'room', id, panel: panel ? 'members' : null },
      ...{ thread: seqOf(thread), seq: seqOf(message ?? reply) },
    };
  const admin = ADMIN.exec(hash);
  if (admin) return { name: 'admin', page: admin[1] ?? 'accounts', id: admin[2] ?? '' };
  const code = INVITE.exec(hash)?.[1];
  if (code) return { name: 'invite', code };
  const token = SETUP.exec(hash)?.[1];
  if (token) return { name: 'setup', token };
  if (hash === '#/browse') return { name: 'browse' };
  if (hash === '#/mentions') return { name: 'mentions' };
  if (hash === '#/signup') return { name: 'signup' };
  return { name: 'home' };
}

export function roomHash(id: string): string {
  return `#/rooms/${id}`;
}

/** The room with its members in front, where a window has no place for both. */
export function membersHash(id: string): string {
  return `${roomHash(id)}/members`;
}

/** A message in its room. */
export function messageHash(id: string, seq: number): string {
  return `${roomHash(id)}/messages/${seq}`;
}

/** The thread below a message beside its room, and a reply in it. */
export function threadHash(id: string, root: number, seq: number | null = null): string {
  return `${roomHash(id)}/threads/${root}${seq === null ? '' : `/${seq}`}`;
}

function seqOf(text: string | undefined): number | null {
  return text ? Number(text) : null;
}

export class Router {
  readonly route = signal<Route>({ name: 'home' });
  readonly #window: Window;

  constructor(window: Window) {
    this.#window = window;
    const read = () => {
      this.route.value = parseHash(window.location.hash);
    };
    window.addEventListener('hashchange', read);
    read();
  }

  go(hash: string): void {
    this.#window.location.hash = hash;
  }

  back(): void {
    this.#window.history.back();
  }

  /** Goes to an address without adding one to the history of the browser. */
  replace(hash: string): void {
    this.#window.history.replaceState(null, '', hash);
    this.route.value = parseHash(hash);
  }
}
