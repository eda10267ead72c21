import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { Clock } from '../browser/clock';
import { Timers } from '../browser/timers';
import type { RoomsApi } from '../wire/api/rooms';
import type { Rooms } from './rooms';
import { countUnread } from './timeline';
import type { Timelines } from './timelines';

// A busy room moves its readers' positions with every message; the server hears of it this often.
const REPORT_MILLISECONDS = 3_000;

interface ReadingOptions {
  api: RoomsApi;
  clock: Clock;
  rooms: Rooms;
  timelines: Timelines;
  user_id: string;
  /** Whether the window is in front. */
  focused: ReadonlySignal<boolean>;
  openRoomId: ReadonlySignal<string | null>;
}

/** How far the user has read, and where the line before the unread messages stands. */
export class Reading {
  /** Set by the view: the end of the open room's timeline is on the screen. */
  readonly atBottom = signal(true);
  /** The open room's messages after this seq were unread when the user turned to them. */
  readonly divider = signal<number | null>(null);
  readonly attentive = computed(() => this.atBottom.value && this.#options.focused.value);
  readonly #options: ReadingOptions;
  readonly #unreported = new Map<string, number>();
  readonly #timers: Timers;
  #stopMarking: () => void = () => {};

  constructor(options: ReadingOptions) {
    this.#options = options;
    this.#timers = new Timers(options.clock);
  }

  /** Marks what the user sees as read, from now on. */
  start(): void {
    const { openRoomId, rooms, timelines } = this.#options;
    this.#stopMarking = effect(() => {
      const id = openRoomId.value;
      const timeline = id ? timelines.get(id)?.value : undefined;
      const read = id ? rooms.get(id)?.read_seq : undefined;
      if (id && timeline && this.attentive.value && timeline.seq > (read ?? 0))
        this.mark(id, timeline.seq);
    });
  }

  stop(): void {
    this.#stopMarking();
    this.flush();
  }

  opened(room_id: string): void {
    const room = this.#options.rooms.get(room_id);
    this.divider.value = room?.unread_count ? (room.read_seq ?? 0) : null;
    this.atBottom.value = !room?.unread_count;
  }

  /** Someone's message is about to arrive in the open room. */
  arriving(room_id: string): void {
    const room = this.#options.rooms.get(room_id);
    if (room && !this.attentive.peek() && !room.unread_count)
      this.divider.value = this.#seq(room_id);
  }

  answered(): void {
    this.divider.value = null;
  }

  /** The user has seen everything up to `seq`. */
  mark(room_id: string, seq: number): void {
    const room = this.#options.rooms.get(room_id);
    if (!room || seq <= (room.read_seq ?? 0)) return;
    this.moved(room_id, seq);
    this.#unreported.set(room_id, seq);
    if (!this.#timers.has(room_id)) this.#report(room_id);
  }

  /** The read position moved, here or on another device of the user. */
  moved(room_id: string, seq: number): void {
    const room = this.#options.rooms.get(room_id);
    if (!room || seq <= (room.read_seq ?? 0)) return;
    this.#options.rooms.change(room_id, { read_seq: seq });
    this.recount(room_id);
  }

  recount(room_id: string): void {
    const { rooms, timelines, user_id, api } = this.#options;
    const room = rooms.get(room_id);
    const timeline = timelines.get(room_id)?.peek();
    if (!room || !timeline) return;
    const count = countUnread(timeline, room.read_seq ?? 0, user_id);
    if (count !== null) rooms.change(room_id, { unread_count: count });
    else if (room.unread_count)
      api.get(room_id).then(
        ({ unread_count }) => rooms.change(room_id, { unread_count }),
        () => {},
      );
  }

  /** The page may not come back: what the server has not heard, it hears now. */
  flush(): void {
    this.#timers.disarmAll();
    for (const [room_id, seq] of this.#unreported)
      this.#options.api.markRead(room_id, seq).catch(() => {});
    this.#unreported.clear();
  }

  #report(room_id: string): void {
    const seq = this.#unreported.get(room_id);
    if (seq === undefined) return;
    this.#unreported.delete(room_id);
    this.#options.api.markRead(room_id, seq).catch(() => {
      if (!this.#unreported.has(room_id)) this.#unreported.set(room_id, seq);
    });
    this.#timers.arm(room_id, REPORT_MILLISECONDS, () => this.#report(room_id));
  }

  #seq(room_id: string): number {
    return this.#options.timelines.get(room_id)?.peek().seq ?? 0;
  }
}
