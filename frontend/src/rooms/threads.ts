import { effect, type Signal, signal, untracked } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import type { Timeline } from 'tailwire-client/rooms/timeline';
import { doubtful } from 'tailwire-client/rooms/timeline';
import type { MessagesApi } from 'tailwire-client/wire/api/messages';
import type { EntryEvent, HistoryPage } from 'tailwire-client/wire/protocol';
import { History, type HistoryState, type Pages } from './history';
import { Recounts } from './recounts';
import { applyToThread, startThread } from './thread_timeline';
import type { Timelines } from './timelines';

interface ThreadsOptions {
  messages: MessagesApi;
  timelines: Timelines;
  clock: Clock;
  onPage(room_id: string, page: HistoryPage): void;
  /** The server's log has another epoch, and no `reset` has told so yet. */
  onForeignEpoch(room_id: string): void;
}

/** The thread that is open beside its room. It is a timeline of its own: a message and its replies. */
export class Threads {
  readonly open = signal<Thread | null>(null);
  readonly #options: ThreadsOptions;
  readonly #stopWatching: () => void;

  constructor(options: ThreadsOptions) {
    this.#options = options;
    this.#stopWatching = effect(() => this.#watch());
  }

  /** Opens the thread below the message `root`. */
  show(room_id: string, root: number): void {
    const open = this.open.peek();
    const isOpen = open?.room_id === room_id && open.root === root;
    const room = this.#options.timelines.get(room_id)?.peek();
    if (isOpen || !room) return;
    this.close();
    this.open.value = new Thread(this.#options, room_id, root, room);
  }

  close(): void {
    this.open.peek()?.stop();
    this.open.value = null;
  }

  /** A new entry has come. The thread moves on before its room does. */
  apply(event: EntryEvent): void {
    const open = this.open.peek();
    if (open?.room_id === event.room_id) open.apply(event);
  }

  stop(): void {
    this.#stopWatching();
    this.close();
  }

  /**
   * A room that starts over may have missed entries, so its thread is loaded again. In another epoch the
   * seq of the root may be that of another message.
   */
  #watch(): void {
    const open = this.open.value;
    const room = open && this.#options.timelines.get(open.room_id)?.value;
    if (!open) return;
    untracked(() => {
      const { epoch, seq } = open.timeline.peek();
      if (room?.epoch !== epoch) this.close();
      else if (room.seq !== seq) {
        this.close();
        this.show(open.room_id, open.root);
      }
    });
  }
}

/** A thread that is shown. Its pages go from the oldest reply to the newest. */
export class Thread implements Pages {
  readonly room_id: string;
  readonly root: number;
  readonly timeline: Signal<Timeline>;
  readonly #history: History;
  readonly #recounts: Recounts;

  constructor(options: ThreadsOptions, room_id: string, root: number, room: Timeline) {
    const { messages, clock, onPage, onForeignEpoch } = options;
    this.room_id = room_id;
    this.root = root;
    this.timeline = signal(startThread(room, root));
    const timelines = { get: () => this.timeline };
    this.#recounts = new Recounts({ messages, timelines, clock });
    this.#history = new History({
      messages: {
        before: messages.before.bind(messages),
        after: (_, seq, limit) => this.#page(messages, seq, limit),
      },
      timelines,
      onPage,
      onDoubt: (id, seq) => this.#recounts.want(id, seq),
      onForeignEpoch,
    });
    void this.newer();
  }

  apply(event: EntryEvent): void {
    this.timeline.value = applyToThread(this.timeline.peek(), this.root, event);
    for (const seq of doubtful(this.timeline.peek(), [event]))
      this.#recounts.want(this.room_id, seq);
  }

  stop(): void {
    this.#recounts.stop();
  }

  state(): HistoryState {
    return this.#history.state(this.room_id);
  }

  failed(): 'older' | 'newer' | null {
    return this.#history.failed(this.room_id);
  }

  again(): Promise<void> {
    return this.#history.again(this.room_id);
  }

  /** Nothing is older than the root. */
  async older(): Promise<void> {}

  newer(): Promise<void> {
    return this.#history.newer(this.room_id);
  }

  around(_: string, seq: number): Promise<void> {
    return this.#until(seq);
  }

  openNewest(): void {
    void this.#until(Number.POSITIVE_INFINITY);
  }

  /** The pages go on from the root, so all that was loaded stays. */
  keepNear(): void {}

  /** The first page begins with the root. */
  async #page(messages: MessagesApi, seq: number, limit: number): Promise<HistoryPage> {
    const { room_id, root } = this;
    const replies = messages.thread(room_id, root, Math.max(seq, root), limit);
    if (seq >= root) return replies;
    const [first, page] = await Promise.all([messages.get(room_id, root), replies]);
    return { ...page, items: [first, ...page.items] };
  }

  async #until(seq: number): Promise<void> {
    for (;;) {
      const { loaded_to } = this.timeline.peek();
      if (loaded_to === null || loaded_to >= seq) return;
      await this.newer();
      if (this.timeline.peek().loaded_to === loaded_to) return;
    }
  }
}
