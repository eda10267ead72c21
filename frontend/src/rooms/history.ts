import { batch, signal } from '@preact/signals';
import {
  abandonHistory,
  append,
  doubtful,
  expectHistory,
  openAt,
  prepend,
  startTimeline,
  surround,
  type Timeline,
} from 'tailwire-client/rooms/timeline';
import type { MessagesApi } from 'tailwire-client/wire/api/messages';
import type { HistoryPage } from 'tailwire-client/wire/protocol';
import { nearby } from './extent';
import type { Timelines } from './timelines';
import type { Range } from './window';

const PAGE_ENTRIES = 50;
// So many entries before the first unread one show what the talk was about.
const CONTEXT_ENTRIES = 20;

export type HistoryState = 'idle' | 'loading' | 'failed';

/** Pages of history, and how they change the timeline. */
interface Answer {
  pages: readonly HistoryPage[];
  change(timeline: Timeline): Timeline;
}

type Ask = (room_id: string, timeline: Timeline) => Promise<Answer>;

/** What a view of a timeline asks for. Each answer changes the timeline. */
export interface Pages {
  state(room_id: string): HistoryState;
  older(room_id: string): Promise<void>;
  newer(room_id: string): Promise<void>;
  /** Shows the entries around `seq`. */
  around(room_id: string, seq: number): Promise<void>;
  /** Shows the newest entries again after the timeline was opened at an older one. */
  openNewest(room_id: string): void;
  /** Forgets the entries that are far from those that the view shows. */
  keepNear(room_id: string, shown: Range): void;
  /** Which end of the timeline could not be loaded; null where nothing failed. */
  failed(room_id: string): 'older' | 'newer' | null;
  /** Tries again what has failed. */
  again(room_id: string): Promise<void>;
}

interface HistoryOptions {
  messages: Pick<MessagesApi, 'before' | 'after'>;
  timelines: Pick<Timelines, 'get'>;
  onPage(room_id: string, page: HistoryPage): void;
  /** The reactions of this message may be counted wrongly. */
  onDoubt(room_id: string, seq: number): void;
  /** The server's log has another epoch, and no `reset` has told so yet. */
  onForeignEpoch(room_id: string): void;
}

/**
 * Loads pages of history into the timelines. Of two requests for a room, the one that was made last
 * counts.
 */
export class History implements Pages {
  readonly #options: HistoryOptions;
  readonly #states = signal<ReadonlyMap<string, HistoryState>>(new Map());
  /** The number of the newest request of each room. */
  readonly #requests = new Map<string, number>();
  /** What the newest request of each room asks for. */
  readonly #asks = new Map<string, Ask>();

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  state(room_id: string): HistoryState {
    return this.#states.value.get(room_id) ?? 'idle';
  }

  /**
   * Loads what a room shows first: the surroundings of the message `first`, or the newest messages
   * where it is null, unless they are loaded.
   */
  open(room_id: string, first: number | null = null): void {
    const timeline = this.#options.timelines.get(room_id)?.peek();
    if (!timeline) return;
    const { entries, has_older, loaded_from, loaded_to, seq } = timeline;
    const isFar = first !== null && first < loaded_from && seq - first >= PAGE_ENTRIES;
    if (first !== null && (isFar || loaded_to !== null)) void this.around(room_id, first);
    else if (has_older && entries.length < PAGE_ENTRIES) void this.older(room_id);
  }

  openNewest(room_id: string): void {
    const timeline = this.#options.timelines.get(room_id);
    if (!timeline || timeline.peek().loaded_to === null) return;
    timeline.value = startTimeline(timeline.peek());
    void this.#load(room_id, this.#older);
  }

  async older(room_id: string): Promise<void> {
    const timeline = this.#options.timelines.get(room_id)?.peek();
    if (timeline?.has_older && !this.#isLoading(room_id)) await this.#load(room_id, this.#older);
  }

  async newer(room_id: string): Promise<void> {
    const to = this.#options.timelines.get(room_id)?.peek().loaded_to ?? null;
    if (to !== null && !this.#isLoading(room_id)) await this.#load(room_id, this.#newer);
  }

  async around(room_id: string, seq: number): Promise<void> {
    const timeline = this.#options.timelines.get(room_id);
    if (!timeline) return;
    timeline.value = openAt(timeline.peek(), seq);
    await this.#load(room_id, this.#around);
  }

  keepNear(room_id: string, shown: Range): void {
    const timeline = this.#options.timelines.get(room_id);
    if (timeline) timeline.value = nearby(timeline.peek(), shown);
  }

  failed(room_id: string): 'older' | 'newer' | null {
    if (this.state(room_id) !== 'failed') return null;
    return this.#asks.get(room_id) === this.#newer ? 'newer' : 'older';
  }

  async again(room_id: string): Promise<void> {
    if (!this.#isLoading(room_id))
      await this.#load(room_id, this.#asks.get(room_id) ?? this.#older);
  }

  readonly #older: Ask = async (room_id, { loaded_from }) => {
    const page = await this.#options.messages.before(room_id, loaded_from, PAGE_ENTRIES);
    return { pages: [page], change: (now) => prepend(now, page) };
  };

  readonly #newer: Ask = async (room_id, { loaded_to }) => {
    const page = await this.#options.messages.after(room_id, loaded_to ?? 0, PAGE_ENTRIES);
    return { pages: [page], change: (now) => append(now, page) };
  };

  readonly #around: Ask = async (room_id, { loaded_from: seq }) => {
    const { messages } = this.#options;
    const [before, after] = await Promise.all([
      messages.before(room_id, seq, CONTEXT_ENTRIES),
      messages.after(room_id, seq - 1, PAGE_ENTRIES),
    ]);
    return { pages: [before, after], change: (now) => surround(now, before, after) };
  };

  async #load(room_id: string, ask: Ask): Promise<void> {
    const timeline = this.#options.timelines.get(room_id);
    if (!timeline) return;
    const request = (this.#requests.get(room_id) ?? 0) + 1;
    this.#requests.set(room_id, request);
    this.#asks.set(room_id, ask);
    this.#set(room_id, 'loading');
    timeline.value = expectHistory(timeline.peek());
    const answer = await ask(room_id, timeline.peek()).catch(() => null);
    if (this.#requests.get(room_id) !== request) return;
    batch(() => {
      this.#set(room_id, answer ? 'idle' : 'failed');
      if (answer) this.#loaded(room_id, answer);
      else timeline.value = abandonHistory(timeline.peek());
    });
  }

  #loaded(room_id: string, { pages, change }: Answer): void {
    const { onDoubt, onForeignEpoch, onPage, timelines } = this.#options;
    // The user may have left the room and come back, so it may be another timeline by now.
    const timeline = timelines.get(room_id);
    if (!timeline) return;
    const now = timeline.peek();
    const isForeign = pages.some(({ epoch }) => epoch !== now.epoch);
    const isExpected = now.waiting !== null && !isForeign;
    timeline.value = change(now);
    if (isExpected) for (const page of pages) onPage(room_id, page);
    for (const seq of doubtful(timeline.peek(), now.waiting ?? [])) onDoubt(room_id, seq);
    if (isForeign) onForeignEpoch(room_id);
    else if (!isExpected) this.open(room_id);
  }

  #isLoading(room_id: string): boolean {
    return this.#states.peek().get(room_id) === 'loading';
  }

  #set(room_id: string, state: HistoryState): void {
    this.#states.value = new Map(this.#states.peek()).set(room_id, state);
  }
}
