import type { ReadonlySignal } from '@preact/signals';
import type { Clock } from 'tailwire-client/clock';
import { findEntry } from 'tailwire-client/rooms/timeline';
import { Timers } from 'tailwire-client/timers';
import type { EntryEvent, Room } from 'tailwire-client/wire/protocol';
import type { Notice } from '../browser/notices';
import type { TextStorage } from '../browser/storage';
import type { Turn } from '../browser/turn';
import type { Blocks } from './blocks';
import { wants } from './level';
import type { Names } from './names';
import { Once } from './once';
import type { Rooms } from './rooms';
import type { Timelines } from './timelines';
import type { Titles } from './titles';
import { isMention } from './unread';

// So long another tab, or another device, may tell that the message was seen there.
const PAUSE_MILLISECONDS = 500;
const TEXT_CHARACTERS = 200;

type NewMessage = Extract<EntryEvent, { type: 'message' }>;

/** Where notices are shown. */
export interface NoticeDesk {
  /** Whether a notice would be seen or heard. */
  isOpen(): boolean;
  /** Whether notices tell what was written. */
  withText(): boolean;
  tell(notice: Notice): void;
  /** The user goes to a message. */
  open(room_id: string, seq: number): void;
}

interface NotifyingOptions {
  user_id: string;
  blocks: Blocks;
  clock: Clock;
  rooms: Rooms;
  timelines: Timelines;
  names: Names;
  titles: Titles;
  shared: { storage: TextStorage; turn: Turn };
  desk: NoticeDesk;
  focused: ReadonlySignal<boolean>;
  openRoomId: ReadonlySignal<string | null>;
  /** Whether what comes from the room is new, and not what was missed. */
  isLive(room_id: string): boolean;
}

interface Candidate {
  message: NewMessage;
  epoch: string;
  isMention: boolean;
}

/**
 * Shows notices of new messages: those of which the user wants to hear, never one's own, and never of the room that
 * the user looks at, here or in another tab. Of several that come at once in a room, the last is shown.
 */
export class Notifying {
  readonly #options: NotifyingOptions;
  readonly #timers: Timers;
  readonly #once: Once;
  /** What waits, by room. */
  readonly #waiting = new Map<string, Candidate>();

  constructor(options: NotifyingOptions) {
    this.#options = options;
    const { storage, turn } = options.shared;
    this.#once = new Once(storage, turn, options.user_id);
    this.#timers = new Timers(options.clock);
  }

  stop(): void {
    this.#timers.disarmAll();
  }

  /** The user logs out. */
  forget(): void {
    this.#once.forget();
  }

  arrived(message: NewMessage): void {
    const { blocks, isLive, rooms, user_id } = this.#options;
    const { room_id } = message;
    const room = rooms.get(room_id);
    if (!room || message.user_id === user_id || blocks.has(message.user_id)) return;
    const isMentioned = isMention(message, user_id);
    if (!this.#isWanted(room, isMentioned)) return;
    const before = this.#waiting.get(room_id);
    // A mention is not hidden by what comes right after it.
    if (before?.epoch === room.epoch && before.isMention && !isMentioned) return;
    this.#waiting.set(room_id, { message, epoch: room.epoch, isMention: isMentioned });
    if (isLive(room_id)) this.#arm(room_id);
  }

  /** All that was missed in the room has come. */
  wentLive(room_id: string): void {
    if (this.#waiting.has(room_id)) this.#arm(room_id);
  }

  #arm(room_id: string): void {
    // Whoever looks at the room is the first to claim it.
    const wait = this.#isLookedAt(room_id) ? 0 : PAUSE_MILLISECONDS;
    if (!this.#timers.has(room_id))
      this.#timers.arm(room_id, wait, () => void this.#decide(room_id));
  }

  async #decide(room_id: string): Promise<void> {
    const { desk, rooms } = this.#options;
    const candidate = this.#waiting.get(room_id);
    this.#waiting.delete(room_id);
    const room = rooms.get(room_id);
    if (!candidate || room?.epoch !== candidate.epoch) return;
    const { message, epoch } = candidate;
    const isRead = (room.read_seq ?? 0) >= message.seq;
    const isLookedAt = this.#isLookedAt(room_id);
    if ((isRead && !isLookedAt) || !desk.isOpen()) return;
    const isFirst = await this.#once.claim(room_id, { epoch, seq: message.seq });
    if (isFirst && !isLookedAt && this.#isWanted(room, candidate.isMention))
      this.#tell(room, candidate);
  }

  #tell(room: Room, { message, isMention }: Candidate): void {
    const { desk, names, titles } = this.#options;
    const text = this.#textOf(message);
    if (text === null) return;
    const { room_id, seq } = message;
    const what = isMention ? 'mentioned you' : 'wrote a message';
    const author = names.of(message);
    const place = titles.of(room);
    // A direct room of two is called by the name of the author.
    const isOfTwo = room.kind === 'direct' && titles.others(room).length === 1;
    desk.tell({
      title: desk.withText() && !isOfTwo ? `${author} in ${place}` : place,
      text: desk.withText() ? text : `${author} ${what}`,
      tag: `tailwire ${room_id}`,
      onOpen: () => desk.open(room_id, seq),
    });
  }

  /** The text as it is now; null where the message was deleted meanwhile. */
  #textOf({ room_id, seq, body }: NewMessage): string | null {
    const timeline = this.#options.timelines.get(room_id)?.peek();
    const entry = timeline && findEntry(timeline, seq);
    if (entry?.kind === 'message' && entry.deleted) return null;
    const text = (entry?.kind === 'message' ? entry.body : body) || 'A file';
    return text.length > TEXT_CHARACTERS ? `${text.slice(0, TEXT_CHARACTERS)}…` : text;
  }

  #isWanted(room: Room, isMention: boolean): boolean {
    return wants(room, isMention, new Date(this.#options.clock.now()));
  }

  #isLookedAt(room_id: string): boolean {
    const { focused, openRoomId } = this.#options;
    return focused.peek() && openRoomId.peek() === room_id;
  }
}
