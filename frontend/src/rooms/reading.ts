import { batch, computed, effect, type ReadonlySignal, signal, untracked } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import type { Timeline } from 'tailwire-client/rooms/timeline';
import { Timers } from 'tailwire-client/timers';
import type { RoomsApi } from 'tailwire-client/wire/api/rooms';
import { Problem } from 'tailwire-client/wire/problem';
import type { Position, Room } from 'tailwire-client/wire/protocol';
import type { Freshness } from '../browser/freshness';
import { Confirmed } from './confirmed';
import { isReadMark, markOf, type ReadChannel, type ReadMark } from './read_mark';
import type { Rooms } from './rooms';
import type { Timelines } from './timelines';
import { firstUnread, MAX_UNREAD, withRead } from './unread';

// In a busy room the read position moves with each message. The server is told at most this often.
const REPORT_MILLISECONDS = 3_000;
const RETRY_MILLISECONDS = 30_000;

/** The part of a room's timeline that is on the screen, by the seqs of its first and last entry. */
export interface Shown {
  room_id: string;
  epoch: string;
  from: number;
  to: number;
}

/** The unread line: it is before the first message of others after `seq`. */
export interface Divider extends Position {
  room_id: string;
  /** How many messages after it were unread when it was set, or have come since. */
  count: number;
}

interface ReadingOptions {
  api: RoomsApi;
  clock: Clock;
  rooms: Rooms;
  timelines: Timelines;
  freshness: Freshness;
  user_id: string;
  /** Whether the window has the focus. */
  focused: ReadonlySignal<boolean>;
  openRoomId: ReadonlySignal<string | null>;
  channel: ReadChannel | null;
  /** Only the server can tell what is unread in this room. */
  onUnsure(room_id: string): void;
}

/**
 * The user's read positions, and the place of the unread line. A message is read once it was on the
 * screen of a window in front. Every position belongs to an epoch, and counts for nothing in another.
 */
export class Reading {
  /** What is on the screen. */
  readonly shown = signal<Shown | null>(null);
  /** The end of the open room's timeline is on the screen. The view sets it. */
  readonly atBottom = signal(true);
  readonly divider = signal<Divider | null>(null);
  /** Whether the window has the focus. */
  readonly focused: ReadonlySignal<boolean>;
  readonly attentive = computed(() => this.atBottom.value && this.focused.value);
  readonly #options: ReadingOptions;
  /** What the server has not confirmed yet. */
  readonly #unreported = new Map<string, ReadMark>();
  readonly #underWay = new Map<string, readonly ReadMark[]>();
  /** Where the user went back last. What the server tells of reading there may be from before that. */
  readonly #back = new Set<string>();
  /** The open room, where the user marked what is on the screen as unread. It is not read until they come back. */
  readonly #held = signal<string | null>(null);
  readonly #unsure = new Set<string>();
  /** Nothing is reported of a room while it is in doubt here: the report might undo that the user went back elsewhere. */
  readonly #confirmed = new Confirmed();
  readonly #timers: Timers;
  #stopped = false;
  #stopMarking: () => void = () => {};
  #stopHolding: () => void = () => {};

  constructor(options: ReadingOptions) {
    this.#options = options;
    this.focused = options.focused;
    this.#timers = new Timers(options.clock);
    if (options.channel)
      options.channel.onmessage = ({ data }: MessageEvent) => {
        if (isReadMark(data)) this.#movedInTab(data.room_id, markOf(data));
      };
  }

  /** Marks what the user sees as read, from now on. */
  start(): void {
    const { openRoomId, rooms, timelines, focused } = this.#options;
    this.#stopHolding = effect(() => {
      if (!focused.value) this.#held.value = null;
    });
    this.#stopMarking = effect(() => {
      const shown = this.shown.value;
      if (!shown || !focused.value || openRoomId.value !== shown.room_id) return;
      if (this.#held.value === shown.room_id) return;
      const room = rooms.get(shown.room_id);
      const timeline = timelines.get(shown.room_id)?.value;
      if (!room || timeline?.epoch !== shown.epoch || room.epoch !== shown.epoch) return;
      // The timeline may have been opened at another place since the view was drawn.
      const { loaded_from, loaded_to, seq } = timeline;
      if (shown.from < loaded_from || shown.to > (loaded_to ?? seq)) return;
      if (room.read_seq === null || shown.to <= room.read_seq) return;
      untracked(() => {
        if (this.#goesOn(shown, timeline, room))
          this.#mark(room.id, { epoch: room.epoch, seq: shown.to });
        else this.#leftOut(room);
      });
    });
  }

  /** The page ends, or the user logs out. */
  stop(): void {
    this.#stopped = true;
    this.#stopHolding();
    this.#stopMarking();
    this.flush();
    this.#timers.disarmAll();
    this.#options.channel?.close();
  }

  opened(room_id: string): void {
    const room = this.#options.rooms.get(room_id);
    const { epoch = '', read_seq = 0, unread_count = 0, first_unread_seq = null } = room ?? {};
    const seq = first_unread_seq ? first_unread_seq - 1 : (read_seq ?? 0);
    this.#held.value = null;
    this.divider.value = unread_count ? { room_id, epoch, seq, count: unread_count } : null;
    this.atBottom.value = !unread_count;
    this.shown.value = null;
  }

  /** The view shows this part of the open room now. */
  show(shown: Shown): void {
    const before = this.shown.peek();
    const keys = ['room_id', 'epoch', 'from', 'to'] as const;
    if (!before || keys.some((key) => before[key] !== shown[key])) this.shown.value = shown;
  }

  /** A message of another user is about to be added to the open room. */
  arriving(room_id: string): void {
    const room = this.#options.rooms.get(room_id);
    const timeline = this.#options.timelines.get(room_id)?.peek();
    if (!room || !timeline || this.attentive.peek() || room.unread_count !== 0) {
      const divider = this.divider.peek();
      if (divider?.room_id === room_id && divider.count < MAX_UNREAD)
        this.divider.value = { ...divider, count: divider.count + 1 };
      return;
    }
    const { epoch, seq } = timeline;
    this.divider.value = { room_id, epoch, seq, count: 1 };
  }

  /** The user has written into a room. Where everything is read there, the line has done its work. */
  answered(room_id: string): void {
    this.#held.value = null;
    if (this.#options.rooms.get(room_id)?.unread_count === 0) this.divider.value = null;
  }

  /** The user says that everything in the room is read. */
  readAll(room_id: string): void {
    const room = this.#options.rooms.get(room_id);
    if (!room || room.read_seq === null) return;
    this.#held.value = null;
    this.divider.value = null;
    this.#confirmed.decided(room_id);
    if (room.seq > room.read_seq) this.#mark(room_id, { epoch: room.epoch, seq: room.seq });
  }

  /**
   * The user marks a message and all after it as unread. They stay so, although they may be on the screen, until the
   * user looks at something else and comes back, or writes.
   */
  markUnread(room_id: string, seq: number): void {
    const room = this.#options.rooms.get(room_id);
    if (room?.read_seq == null || seq <= 1) return;
    this.#confirmed.decided(room_id);
    batch(() => {
      this.#mark(room_id, { epoch: room.epoch, seq: seq - 1, back: true });
      this.#wentBack(room_id);
    });
  }

  /** The server tells a room. What was read here since the user went back elsewhere is not reported. */
  telling({ id, read_seq }: Room): void {
    // Only what the server says after it has answered a report knows of that report.
    if (read_seq === null || this.#underWay.has(id)) return;
    const wasDoubted = this.#confirmed.isDoubted(id);
    const wentBack = this.#confirmed.told(id, read_seq);
    if (this.#unreported.get(id)?.back) return;
    if (wentBack) this.#unreported.delete(id);
    else if (wasDoubted) this.#report(id);
  }

  /** The server has told a room. It is read less far where the user marked it as unread elsewhere. */
  told(before: Room | undefined, now: Room): void {
    if (before?.epoch !== now.epoch || before.read_seq === null || now.read_seq === null) return;
    if (now.read_seq < before.read_seq) this.#wentBack(now.id);
    else if (now.read_seq > before.read_seq) this.#back.delete(now.id);
  }

  /** The server tells how far the user has read. This page may have told it that, some time before. */
  moved(room_id: string, { epoch, seq }: Position): void {
    const { freshness, onUnsure, rooms } = this.#options;
    const room = rooms.get(room_id);
    if (room?.read_seq == null || room.epoch !== epoch) return;
    freshness.learned(room_id);
    const unreported = this.#unreported.get(room_id);
    const isBack = unreported?.back || this.#back.has(room_id);
    const isLess = !isBack && this.#confirmed.heard(room_id, seq);
    if (room.read_seq === seq && !isLess) return;
    if (unreported?.back) this.#unsure.add(room_id);
    else if (isBack || isLess) onUnsure(room_id);
    else if (seq > room.read_seq) this.#readOn(room_id, seq);
    else if (!unreported) onUnsure(room_id);
    else if (this.#underWay.has(room_id)) this.#unsure.add(room_id);
  }

  /** The user has read in another tab, or marked messages there as unread. That tab tells the server. */
  #movedInTab(room_id: string, mark: ReadMark): void {
    const { freshness, onUnsure, rooms } = this.#options;
    const room = rooms.get(room_id);
    if (room?.read_seq == null || room.epoch !== mark.epoch) return;
    this.#giveWay(room_id, mark);
    if (room.read_seq === mark.seq) return;
    freshness.learned(room_id);
    if (mark.back)
      batch(() => {
        this.#readOn(room_id, mark.seq);
        this.#wentBack(room_id);
      });
    else if (mark.seq > room.read_seq) {
      this.#back.delete(room_id);
      this.#readOn(room_id, mark.seq);
    } else if (!this.#unreported.has(room_id)) onUnsure(room_id);
  }

  /** Whether the user has read further here than the server has confirmed, or wants to read again. */
  unconfirmed(room_id: string): 'ahead' | 'back' | null {
    const mark = this.#unreported.get(room_id);
    if (!mark) return null;
    return mark.back ? 'back' : 'ahead';
  }

  /** The log starts over under another epoch. No position of the old one counts there. */
  reset(room_id: string): void {
    this.#unreported.delete(room_id);
    this.#unsure.delete(room_id);
    this.#back.delete(room_id);
    this.#confirmed.reset(room_id);
    if (this.divider.peek()?.room_id === room_id) this.divider.value = null;
    if (this.shown.peek()?.room_id === room_id) this.shown.value = null;
  }

  /**
   * Tells the server at once what it does not know: the page may end now, or the server can be
   * reached again.
   */
  flush(): void {
    for (const room_id of this.#unreported.keys()) this.#report(room_id);
  }

  /** Whether what is shown goes on from what is read, so that nothing unread between is left out. */
  #goesOn(shown: Shown, timeline: Timeline, room: Room): boolean {
    if (!room.unread_count) return true;
    const first = firstOf(room);
    if (first < timeline.loaded_from) return false;
    const next = firstUnread(timeline, first - 1, this.#options.user_id);
    return next === null || shown.from <= next;
  }

  /**
   * The view went past unread messages: many came at once while it followed the newest, or the user
   * scrolled far. The line stands before them.
   */
  #leftOut(room: Room): void {
    const { id: room_id, epoch, unread_count } = room;
    const divider = this.divider.peek();
    if (divider?.room_id === room_id && divider.epoch === epoch) return;
    this.divider.value = { room_id, epoch, seq: firstOf(room) - 1, count: unread_count ?? 0 };
  }

  /** The unread line stands before what is to be read again. What is looked at now is not read by that. */
  #wentBack(room_id: string): void {
    const { focused, openRoomId, rooms } = this.#options;
    const room = rooms.get(room_id);
    this.#back.add(room_id);
    this.#confirmed.reset(room_id);
    if (!room || openRoomId.peek() !== room_id) return;
    const { epoch, unread_count } = room;
    if (focused.peek()) this.#held.value = room_id;
    this.divider.value = unread_count
      ? { room_id, epoch, seq: firstOf(room) - 1, count: unread_count }
      : null;
  }

  /** What this tab was to report must not undo what the user did later in another one. */
  #giveWay(room_id: string, mark: ReadMark): void {
    const own = this.#unreported.get(room_id);
    if (!own || !(own.back || mark.back)) return;
    // What is under way may reach the server after the report of the other tab, so this tab repeats that one.
    if (this.#underWay.has(room_id)) this.#unreported.set(room_id, mark);
    else this.#unreported.delete(room_id);
  }

  #mark(room_id: string, mark: ReadMark): void {
    if (!mark.back) this.#back.delete(room_id);
    if (!this.#move(room_id, mark.seq)) this.#unsure.add(room_id);
    this.#unreported.set(room_id, mark);
    this.#options.channel?.postMessage({ room_id, ...mark });
    if (mark.back || !this.#timers.has(room_id)) this.#report(room_id);
  }

  #readOn(room_id: string, seq: number): void {
    if (!this.#move(room_id, seq)) this.#options.onUnsure(room_id);
  }

  /** Returns whether the number of messages that are still unread is sure. */
  #move(room_id: string, seq: number): boolean {
    const { rooms, timelines, user_id } = this.#options;
    const room = rooms.get(room_id);
    const timeline = timelines.get(room_id)?.peek();
    if (!room || !timeline) return true;
    const counted = withRead(room, seq, timeline, user_id);
    rooms.put(counted.room);
    return counted.isSure;
  }

  #report(room_id: string): void {
    const position = this.#unreported.get(room_id);
    const before = this.#underWay.get(room_id) ?? [];
    if (!position || before.includes(position) || this.#confirmed.isDoubted(room_id)) return;
    // Of positions on their way the greatest one counts, unless the user went back. Then the order counts.
    if (before.length > 0 && [...before, position].some(({ back }) => back)) return;
    this.#underWay.set(room_id, [...before, position]);
    this.#timers.arm(room_id, REPORT_MILLISECONDS, () => this.#report(room_id));
    this.#options.api.markRead(room_id, position).then(
      () => this.#reported(room_id, position),
      (error) => this.#failed(room_id, position, error),
    );
  }

  #reported(room_id: string, position: ReadMark): void {
    const { freshness, onUnsure } = this.#options;
    this.#answered(room_id, position);
    this.#confirmed.reported(room_id, position.seq, position.back ?? false);
    // An answer that was asked for before does not know of this.
    freshness.learned(room_id);
    if (this.#unreported.get(room_id) !== position) {
      this.#goOn(room_id, position);
      return;
    }
    this.#unreported.delete(room_id);
    if (this.#unsure.delete(room_id)) onUnsure(room_id);
  }

  #answered(room_id: string, position: ReadMark): void {
    const left = (this.#underWay.get(room_id) ?? []).filter((mark) => mark !== position);
    if (left.length > 0) this.#underWay.set(room_id, left);
    else this.#underWay.delete(room_id);
    if (this.#confirmed.isDoubted(room_id)) this.#options.onUnsure(room_id);
  }

  /** Reports what had to wait until `position` was answered. */
  #goOn(room_id: string, position: ReadMark): void {
    if (position.back || this.#unreported.get(room_id)?.back) this.#report(room_id);
  }

  #failed(room_id: string, position: ReadMark, error: unknown): void {
    this.#answered(room_id, position);
    if (this.#unreported.get(room_id) !== position) {
      this.#goOn(room_id, position);
      return;
    }
    if (error instanceof Problem && !error.temporary) {
      // The room has another epoch, or the user is no longer a member of it.
      this.#unreported.delete(room_id);
      this.#options.onUnsure(room_id);
    } else if (!this.#stopped)
      this.#timers.arm(room_id, RETRY_MILLISECONDS, () => this.#report(room_id));
  }
}

/** The first message that may be unread. */
function firstOf({ first_unread_seq, read_seq }: Room): number {
  return first_unread_seq ?? (read_seq ?? 0) + 1;
}
