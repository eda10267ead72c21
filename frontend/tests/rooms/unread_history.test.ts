/**
 * The page keeps its number of unread messages up to date entry by entry, with only a part of the log
 * loaded. After any history it must be the number that the definition in docs/protocol.md gives.
 */

import {
  append,
  apply,
  expectHistory,
  openAt,
  prepend,
  startTimeline,
  surround,
  type Timeline,
} from 'tailwire-client/rooms/timeline';
import type { EntryEvent, HistoryItem, HistoryPage, Room } from 'tailwire-client/wire/protocol';
import { expect, test } from 'vitest';
import { nearby, trim } from '../../src/rooms/extent';
import { Rooms } from '../../src/rooms/rooms';
import { isMention, isUnread, MAX_UNREAD, merged, withRead } from '../../src/rooms/unread';
import { ME, makeEvent, makeRoom } from '../make';

const HISTORIES = 200;
const STEPS = 60;
const ID = 'lobby';

/** Random numbers that are the same in each run (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A room on the server, and what a page of a member knows of it. */
class Case {
  readonly rooms = new Rooms();
  log: EntryEvent[] = [];
  epoch = 1;
  read = 0;
  timeline: Timeline = startTimeline({ epoch: '1', seq: 0 });
  /** Whether the page believes its number. Otherwise it asks the server. */
  isSure = true;
  /** The seq at which an older answer was made, since which nothing was read. */
  asked: Room;
  readonly #random: (below: number) => number;

  constructor(seed: number) {
    this.#random = randomOf(seed);
    const before = this.#random(40);
    for (let seq = 1; seq <= before; seq++) this.log.push(makeEvent(seq, this.#message()));
    this.read = this.#random(before + 1);
    this.timeline = startTimeline({ epoch: '1', seq: before });
    this.asked = this.answer();
    this.rooms.put(this.asked);
  }

  get room(): Room {
    return this.rooms.get(ID) as Room;
  }

  /** The whole log as messages with their changes. */
  get whole(): Timeline {
    return this.log.reduce(apply, startTimeline({ epoch: String(this.epoch), seq: 0 }));
  }

  /** What the definition says. */
  truth(): { count: number; mentions: number; first: number | null } {
    const unread = this.whole.entries.filter(
      (entry) => entry.seq > this.read && isUnread(entry, ME),
    );
    const mentions = unread.filter((entry) => isUnread(entry, ME) && isMention(entry, ME)).length;
    return { count: Math.min(unread.length, MAX_UNREAD), mentions, first: unread[0]?.seq ?? null };
  }

  answer(): Room {
    const { count, mentions, first } = this.truth();
    return makeRoom({
      ...{ epoch: String(this.epoch), seq: this.log.length, read_seq: this.read },
      ...{ unread_count: count, mention_count: mentions, first_unread_seq: first },
    });
  }

  step(): string {
    const steps = [
      ...[this.#say, this.#say, this.#say, this.#delete, this.#delete, this.#other],
      ...[
        this.#readOn,
        this.#readOn,
        this.#readAgain,
        this.#edit,
        this.#edit,
        this.#older,
        this.#openAt,
        this.#newer,
        this.#newer,
      ],
      ...[this.#ask, this.#answered, this.#answered, this.#oldAnswer],
      ...(this.#random(8) === 0 ? [this.#trim, this.#restore] : []),
      ...(this.#random(2) === 0 ? [this.#forget, this.#forget] : []),
    ];
    return (steps[this.#random(steps.length)] ?? this.#say).call(this);
  }

  #add(fields: Record<string, unknown>): void {
    const event = makeEvent(this.log.length + 1, fields);
    this.log.push(event);
    const before = this.timeline;
    this.timeline = apply(before, event);
    if (!this.rooms.apply(event, before, ME)) this.isSure = false;
  }

  #say(): string {
    const message = this.#message();
    this.#add(message);
    return `${message.user_id} says ${this.log.length}`;
  }

  #message(): { user_id: string; mentions?: string[]; mentions_all?: boolean } {
    return { user_id: this.#random(3) === 0 ? ME : 'bob-id', ...this.#mentions() };
  }

  #mentions(): { mentions?: string[]; mentions_all?: boolean } {
    const among = [
      { mentions: [ME, 'carol-id'] },
      { mentions_all: true },
      { mentions: ['carol-id'] },
      {},
    ];
    return among[this.#random(6)] ?? {};
  }

  /** The author edits a message that is not deleted. */
  #edit(): string {
    const { entries } = this.whole;
    const entry = entries[this.#random(Math.max(1, entries.length))];
    if (entry?.kind !== 'message' || entry.deleted) return 'nothing to edit';
    const { seq: target, user_id } = entry;
    this.#add({ type: 'edit', target, user_id, body: 'better', ...this.#mentions() });
    return `edit ${target}`;
  }

  #readAgain(): string {
    const { read_seq } = this.room;
    if (!read_seq) return 'nothing was read';
    this.#read(this.#random(read_seq));
    return `read again after ${this.read}`;
  }

  #read(seq: number): void {
    this.read = seq;
    const counted = withRead(this.room, seq, this.timeline, ME);
    this.rooms.put(counted.room);
    this.isSure &&= counted.isSure;
    this.asked = this.answer();
  }

  #delete(): string {
    const target = 1 + this.#random(Math.max(1, this.log.length));
    this.#add({ type: 'delete', target });
    return `delete ${target}`;
  }

  #other(): string {
    const kinds = [
      { type: 'member', role: 'member', by: null },
      { type: 'unreadable' },
      { type: 'reaction', target: 1, emoji: '👍', added: true },
    ];
    this.#add(kinds[this.#random(kinds.length)] ?? {});
    return 'something else';
  }

  #readOn(): string {
    const { read_seq, seq } = this.room;
    if (seq <= (read_seq ?? 0)) return 'nothing to read';
    this.#read((read_seq ?? 0) + 1 + this.#random(Math.min(8, seq - (read_seq ?? 0))));
    return `read ${this.read}`;
  }

  #trim(): string {
    this.timeline = trim(this.timeline, this.#random(6));
    return 'trim';
  }

  #forget(): string {
    const from = this.#random(this.timeline.entries.length + 1);
    const shown = { from, to: from + this.#random(3) };
    this.timeline = nearby(this.timeline, shown, { near: 1, most: 4 });
    return `forget all but ${this.timeline.loaded_from} to ${this.timeline.loaded_to}`;
  }

  #older(): string {
    const page = this.#page((seq) => seq < this.timeline.loaded_from, 'before');
    this.timeline = prepend(expectHistory(this.timeline), page);
    return 'older';
  }

  #newer(): string {
    const { loaded_to } = this.timeline;
    if (loaded_to === null) return 'newest already';
    const page = this.#page((seq) => seq > loaded_to, 'after');
    this.timeline = append(expectHistory(this.timeline), page);
    return 'newer';
  }

  #openAt(): string {
    const seq = 1 + this.#random(this.log.length + 1);
    const asked = expectHistory(openAt(this.timeline, seq));
    const before = this.#page((other) => other < seq, 'before');
    const after = this.#page((other) => other >= seq, 'after');
    this.timeline = surround(asked, before, after);
    return `open at ${seq}`;
  }

  #ask(): string {
    this.asked = this.answer();
    return 'ask';
  }

  #answered(): string {
    this.#take(this.answer());
    this.isSure = true;
    return 'answer';
  }

  #oldAnswer(): string {
    const isNew = this.asked.seq === this.log.length;
    const isSure = this.#take(this.asked);
    this.isSure = (this.isSure || isNew) && isSure;
    return `answer of ${this.asked.seq}`;
  }

  #take(answer: Room): boolean {
    const { room, isSure } = merged(answer, this.room, this.timeline, null, ME);
    this.rooms.put(room);
    return isSure;
  }

  #restore(): string {
    this.log = this.log.slice(0, this.#random(this.log.length + 1));
    this.read = Math.min(this.read, this.log.length);
    this.epoch += 1;
    const position = { epoch: String(this.epoch), seq: this.log.length };
    this.timeline = startTimeline(position);
    this.rooms.reset(ID, position);
    this.asked = this.answer();
    for (let count = this.#random(3); count > 0; count--) this.#say();
    if (this.#random(2) === 0) this.#openAt();
    const isSure = this.#take(this.asked);
    this.isSure = isSure;
    return `restore to ${position.seq}`;
  }

  #page(among: (seq: number) => boolean, side: 'before' | 'after'): HistoryPage {
    const entries = this.whole.entries.filter(({ seq }) => among(seq));
    const limit = 1 + this.#random(5);
    const chosen = side === 'before' ? entries.slice(-limit) : entries.slice(0, limit);
    const items = chosen.map(({ kind, ...fields }) =>
      kind === 'message'
        ? { room_id: ID, ...fields }
        : { ...fields, room_id: ID, type: 'member', role: 'member' },
    );
    return {
      items: items as HistoryItem[],
      epoch: String(this.epoch),
      has_more: chosen.length < entries.length,
    };
  }
}

test('after any history the page counts as the definition says, or asks the server', () => {
  let sure = 0;
  for (let seed = 1; seed <= HISTORIES; seed++) {
    const one = new Case(seed);
    const told: string[] = [];
    for (let step = 0; step < STEPS; step++) {
      told.push(one.step());
      const { room } = one;
      const { count, mentions, first } = one.truth();
      const where = `seed ${seed}: ${told.join(', ')}`;
      expect([room.seq, room.read_seq], where).toEqual([one.log.length, one.read]);
      if (!one.isSure) continue;
      sure += 1;
      expect([room.unread_count, room.mention_count], where).toEqual([count, mentions]);
      // None is unread before the first that the page names.
      if (first === null) expect(room.first_unread_seq ?? null, where).toBeNull();
      else expect(room.first_unread_seq ?? 0, where).toBeLessThanOrEqual(first);
    }
  }
  expect(sure).toBeGreaterThan(HISTORIES * STEPS * 0.5);
});
