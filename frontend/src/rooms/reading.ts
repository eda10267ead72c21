import { computed, effect, type ReadonlySignal, signal } from '@preact/signals';
import type { Clock } from '../browser/clock';
import { Timers } from '../browser/timers';
import type { RoomsApi } from '../wire/api/rooms';
import type { Rooms } from './rooms';
import { countUnread } from './timeline';
import type { Timelines } from './timelines';

// In a busy room the read position moves with each message. The server is told at most this often.
const REPORT_MILLISECONDS = 3_000;

interface ReadingOptions {
  api: RoomsApi;
  clock: Clock;
  rooms: Rooms;
  timelines: Timelines;
  user_id: string;
  /** Whether the window has the focus. */
  focused: ReadonlySignal<boolean>;
  openRoomId: ReadonlySignal<string | null>;
}

/** The user's read positions, and the place of the unread line. */
export class Reading {
  /** The end of the open room's timeline is on the screen. The view sets it. */
  readonly atBottom = signal(true);
  /** Messages of the open room after this seq were unread when the user opened it. */
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

  /** A message of another user is about to be added to the open room. */
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

  /** The page may end now, so the server is told at once. */
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
