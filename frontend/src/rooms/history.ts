import { batch, signal } from '@preact/signals';
import type { MessagesApi } from '../wire/api/messages';
import type { HistoryPage } from '../wire/protocol';
import { abandonHistory, expectHistory, expectsHistory, prepend } from './timeline';
import type { Timelines } from './timelines';

const PAGE_MESSAGES = 50;

export type HistoryState = 'idle' | 'loading' | 'failed';

interface HistoryOptions {
  messages: MessagesApi;
  timelines: Timelines;
  onPage(room_id: string, page: HistoryPage): void;
  /** The server's log has another epoch, and no `reset` has told so yet. */
  onForeignEpoch(room_id: string): void;
}

/** Loads older pages into the timelines. Each room has at most one request at a time. */
export class History {
  readonly #options: HistoryOptions;
  readonly #states = signal<ReadonlyMap<string, HistoryState>>(new Map());

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  state(room_id: string): HistoryState {
    return this.#states.value.get(room_id) ?? 'idle';
  }

  /** Loads the first page of a room that shows few messages. */
  open(room_id: string): void {
    const timeline = this.#options.timelines.get(room_id)?.value;
    if (timeline?.has_older && timeline.entries.length < PAGE_MESSAGES) void this.older(room_id);
  }

  async older(room_id: string): Promise<void> {
    const timeline = this.#options.timelines.get(room_id);
    if (!timeline?.value.has_older || this.state(room_id) === 'loading') return;
    this.#set(room_id, 'loading');
    timeline.value = expectHistory(timeline.value);
    let page: HistoryPage;
    try {
      page = await this.#options.messages.before(
        room_id,
        timeline.value.loaded_from,
        PAGE_MESSAGES,
      );
    } catch {
      batch(() => {
        timeline.value = abandonHistory(timeline.value);
        this.#set(room_id, 'failed');
      });
      return;
    }
    const expected = expectsHistory(timeline.value, page);
    const foreign = page.epoch !== timeline.value.epoch;
    batch(() => {
      this.#set(room_id, 'idle');
      timeline.value = prepend(timeline.value, page);
      if (expected) this.#options.onPage(room_id, page);
    });
    if (foreign) this.#options.onForeignEpoch(room_id);
    else if (!expected) this.open(room_id);
  }

  #set(room_id: string, state: HistoryState): void {
    this.#states.value = new Map(this.#states.value).set(room_id, state);
  }
}
