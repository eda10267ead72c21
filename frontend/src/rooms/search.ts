import { computed, signal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import { SearchApi } from 'tailwire-client/wire/api/search';
import { Problem } from 'tailwire-client/wire/problem';
import type { EntryEvent, Message } from 'tailwire-client/wire/protocol';
import type { Requests } from 'tailwire-client/wire/requests';
import { PagedList } from '../wire/paged_list';
import type { Drafts } from './drafts';
import { RecentSearches } from './recent_searches';

/** What is looked for, and in which room; null stands for all rooms. */
export interface Query {
  text: string;
  room_id: string | null;
}

interface SearchOptions {
  requests: Requests;
  clock: Clock;
  drafts: Drafts;
}

// How long a server waits that does not say it.
const RETRY_SECONDS = 2;

/** Finds messages. What was found last is kept, so that the user comes back to it from a message. */
export class Search {
  readonly recent: RecentSearches;
  /** What was looked for last; null for nothing yet. */
  readonly query = signal<Query | null>(null);
  /** What is to be marked in the messages. */
  readonly terms = signal<readonly string[]>([]);
  /** Why the last page could not be read; null where it could. */
  readonly problem = signal<Problem | null>(null);
  /** The id of the room from which the search was opened; null for none. */
  readonly origin = signal<string | null>(null);
  /** The message that was opened last, as `keyOf` names it. */
  opened: string | null = null;
  readonly #api: SearchApi;
  readonly #clock: Clock;
  readonly #list = signal(new PagedList<Message>(nothing));
  #cancel: () => void = () => {};

  constructor({ requests, clock, drafts }: SearchOptions) {
    this.recent = new RecentSearches(drafts);
    this.#api = new SearchApi(requests);
    this.#clock = clock;
  }

  readonly items = computed(() => this.#list.value.items.value);
  readonly state = computed(() => this.#list.value.state.value);
  readonly hasMore = computed(() => this.#list.value.hasMore.value);

  /** Looks for a query, unless that is what was found last. */
  show(query: Query): void {
    const last = this.query.peek();
    if (last?.text === query.text && last.room_id === query.room_id) return;
    this.find(query);
  }

  /** Looks for a query anew. */
  find(query: Query): void {
    this.#cancel();
    this.opened = null;
    this.query.value = query;
    this.problem.value = null;
    this.terms.value = [];
    const list: PagedList<Message> = new PagedList((cursor) => this.#read(query, cursor, list));
    this.#list.value = list;
    void list.load();
  }

  /** Nothing is looked for any more. */
  clear(): void {
    this.#cancel();
    this.query.value = null;
    this.problem.value = null;
    this.#list.value = new PagedList<Message>(nothing);
  }

  /** Reads on behind what was found. */
  async more(): Promise<void> {
    if (this.problem.peek() === null) await this.#list.peek().more();
  }

  /** Reads once more what could not be read. */
  async again(): Promise<void> {
    if (this.problem.peek() === null) return;
    this.#cancel();
    const list = this.#list.peek();
    await (list.hasMore.peek() ? list.more() : list.load());
  }

  /** A new entry has come: what it changes is shown as it is now. */
  apply(event: EntryEvent): void {
    if (event.type !== 'edit' && event.type !== 'delete') return;
    const { room_id, target } = event;
    const isShown = (one: Message) => one.room_id === room_id && one.seq === target;
    const list = this.#list.peek();
    if (!list.items.peek().some(isShown)) return;
    list.change((items) => items.map((one) => (isShown(one) ? changed(one, event) : one)));
  }

  stop(): void {
    this.#cancel();
  }

  async #read(query: Query, cursor: string | undefined, list: PagedList<Message>) {
    try {
      const page = await this.#api.find(query.text, query.room_id, cursor);
      if (list === this.#list.peek()) {
        this.terms.value = page.terms;
        this.problem.value = null;
        if (cursor === undefined) this.recent.searched(query.text);
      }
      return page;
    } catch (error) {
      if (list === this.#list.peek() && error instanceof Problem) this.#failed(error);
      throw error;
    }
  }

  /** What passes by itself is tried again then. */
  #failed(problem: Problem): void {
    this.problem.value = problem;
    if (problem.code !== 'indexing' && problem.code !== 'rate_limited') return;
    const seconds = problem.retryAfterSeconds ?? RETRY_SECONDS;
    this.#cancel = this.#clock.after(1_000 * seconds, () => void this.again());
  }
}

/** Names a message among those of all rooms. */
export function keyOf({ room_id, seq }: Message): string {
  return `${room_id} ${seq}`;
}

function changed(
  message: Message,
  event: Extract<EntryEvent, { type: 'edit' | 'delete' }>,
): Message {
  if (event.type === 'delete') return { ...message, body: '', deleted: true, mentions: [] };
  if (message.deleted) return message;
  const { body, at: edited_at, mentions = [], mentions_all = false } = event;
  return { ...message, body, edited_at, mentions, mentions_all };
}

async function nothing() {
  return { items: [], next_cursor: null };
}
