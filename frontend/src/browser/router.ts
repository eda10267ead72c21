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
      /** The id of the user about whom a card is open, over what else is shown. */
      person: string | null;
    }
  | { name: 'browse' }
  | { name: 'mentions' }
  /** What is searched for, and the id of the room in which; null for all rooms. */
  | { name: 'search'; text: string; room: string | null }
  /** A page of the administrators' screen, and what it is about. */
  | { name: 'admin'; page: string; id: string }
  | { name: 'signup' }
  | { name: 'invite'; code: string }
  | { name: 'setup'; token: string };

// The server answers paths such as /rooms, so the page keeps its own addresses in the hash.
const SEQ = String.raw`([1-9]\d{0,14})`;
const ID = '([A-Za-z0-9_-]{1,64})';
const ROOM = new RegExp(
  `^#/rooms/${ID}(?:/(members)|/people/${ID}|/messages/${SEQ}|/threads/${SEQ}(?:/${SEQ})?)?$`,
);
const ADMIN = new RegExp(`^#/admin(?:/([a-z]{1,32})(?:/${ID})?)?$`);
const INVITE = new RegExp(`^#/invite/${ID}$`);
const SEARCH = '#/search';
const SETUP = new RegExp(`^#/setup/${ID}$`);

export function parseHash(hash: string): Route {
  const [, id, panel, person, message, thread, reply] = ROOM.exec(hash) ?? [];
  if (id)
    return {
      ...{ name: 'room', id, panel: panel ? 'members' : null },
      ...{ thread: seqOf(thread), seq: seqOf(message ?? reply), person: person ?? null },
    };
  const admin = ADMIN.exec(hash);
  if (admin) return { name: 'admin', page: admin[1] ?? 'accounts', id: admin[2] ?? '' };
  const code = INVITE.exec(hash)?.[1];
  if (code) return { name: 'invite', code };
  const token = SETUP.exec(hash)?.[1];
  if (token) return { name: 'setup', token };
  if (hash.startsWith(SEARCH)) {
    const asked = new URLSearchParams(hash.slice(SEARCH.length));
    return { name: 'search', text: asked.get('q') ?? '', room: asked.get('room') };
  }
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

/** The card about a user, over their room. */
export function personHash(id: string, user_id: string): string {
  return `${roomHash(id)}/people/${user_id}`;
}

function seqOf(text: string | undefined): number | null {
  return text ? Number(text) : null;
}

export class Router {
  readonly route = signal<Route>({ name: 'home' });
  readonly #window: Window;
  /** Whether a card was opened over a room that was shown. */
  #isOver = false;

  constructor(window: Window) {
    this.#window = window;
    const read = () => {
      const before = this.route.peek();
      const now = parseHash(window.location.hash);
      // A card lies over what is open in the room, and "back" leads there.
      const isOver =
        now.name === 'room' && now.person && before.name === 'room' && before.id === now.id;
      this.#isOver = isOver ? this.#isOver || !before.person : false;
      this.route.value = isOver ? { ...before, person: now.person } : now;
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

  /** Closes the card that is open over a room. */
  closeCard(): void {
    const route = this.route.peek();
    if (route.name !== 'room' || !route.person) return;
    if (this.#isOver) this.back();
    else this.replace(roomHash(route.id));
  }

  /** Goes to an address without adding one to the history of the browser. */
  replace(hash: string): void {
    this.#window.history.replaceState(null, '', hash);
    this.route.value = parseHash(hash);
  }
}
