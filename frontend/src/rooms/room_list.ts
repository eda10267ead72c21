import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Place, Room } from 'tailwire-client/wire/protocol';
import type { TextStorage } from '../browser/storage';
import type { Rooms } from './rooms';

const FOLDED = 'tailwire.folded';
const NOWHERE: Place = { favourite: false, section: null, hidden: false };

export function placeOf({ place }: Pick<Room, 'place'>): Place {
  return place ?? NOWHERE;
}

/** A part of the room list, with its rooms in the order in which they are shown. */
export interface Group {
  kind: 'favourites' | 'section' | 'rooms' | 'direct' | 'hidden';
  /** The name of a section of the user's own; empty for the other kinds. */
  section: string;
  /** Only its rooms with unread messages are shown, and the one that is open. */
  folded: boolean;
  rooms: readonly Room[];
}

interface RoomListOptions {
  rooms: Rooms;
  openRoomId: ReadonlySignal<string | null>;
  storage: TextStorage;
}

/** The room list: which rooms are shown, and in which order. */
export class RoomList {
  /** Which rooms are looked for, the hidden ones among them, too; null where none are. */
  readonly wanted = signal<((room: Room) => boolean) | null>(null);
  /** Only rooms with unread messages are shown. */
  readonly unreadOnly = signal(false);
  /** Hidden rooms are shown, too. */
  readonly withHidden = signal(false);
  /** Why the last change of a place was refused. It is empty when it was not. */
  readonly error = signal('');
  readonly #options: RoomListOptions;

  /** The keys of the groups that are folded, on this machine. */
  readonly #folded: Signal<ReadonlySet<string>>;

  constructor(options: RoomListOptions) {
    this.#options = options;
    this.#folded = signal(foldedIn(options.storage));
  }

  /** The groups of rooms and of direct rooms are always there. Others are where they have rooms. */
  readonly groups = computed(() => {
    const groups = grouped(this.#shown());
    if (this.isFiltered.value) return groups;
    return groups.map((group) =>
      this.#folded.value.has(keyOf(group)) ? this.#fold(group) : group,
    );
  });
  /** Some rooms are not shown because of what the user asked for. */
  readonly isFiltered = computed(() => this.wanted.value !== null || this.unreadOnly.value);
  /** The rooms from top to bottom. */
  readonly order = computed(() => this.groups.value.flatMap(({ rooms }) => rooms));
  readonly hiddenCount = computed(
    () => this.#options.rooms.sorted.value.filter((room) => isHidden(room)).length,
  );
  /** The sections that the user has made, by name. */
  readonly sections = computed(() => {
    const names = this.#options.rooms.sorted.value.map((room) => placeOf(room).section ?? '');
    return [...new Set(names)].filter(Boolean).sort((a, b) => a.localeCompare(b));
  });

  /** Folds a group, or shows all its rooms again. */
  fold(group: Standing, isFolded: boolean): void {
    const folded = new Set(foldedIn(this.#options.storage));
    if (isFolded) folded.add(keyOf(group));
    else folded.delete(keyOf(group));
    this.#folded.value = folded;
    this.#options.storage.setItem(FOLDED, JSON.stringify([...folded]));
  }

  #fold(group: Group): Group {
    const open = this.#options.openRoomId.value;
    const isShown = (room: Room) => room.id === open || Boolean(room.unread_count);
    return { ...group, folded: true, rooms: group.rooms.filter(isShown) };
  }

  #shown(): Room[] {
    const { rooms } = this.#options;
    const wanted = this.wanted.value;
    if (wanted) return rooms.sorted.value.filter(wanted);
    const open = this.#options.openRoomId.value;
    return rooms.sorted.value.filter((room) => {
      if (room.id === open) return true;
      if (this.unreadOnly.value && !room.unread_count) return false;
      return this.withHidden.value || !isHidden(room);
    });
  }
}

/** A hidden room is shown while a message in it mentions the user. */
function isHidden(room: Room): boolean {
  return placeOf(room).hidden && !room.mention_count;
}

type Standing = Pick<Group, 'kind' | 'section'>;

export function keyOf({ kind, section }: Standing): string {
  return `${kind} ${section}`;
}

function foldedIn(storage: TextStorage): ReadonlySet<string> {
  try {
    const stored: unknown = JSON.parse(storage.getItem(FOLDED) ?? '[]');
    return new Set(Array.isArray(stored) ? stored.map(String) : []);
  } catch {
    return new Set();
  }
}

const ALWAYS = ['rooms', 'direct'] as const;
const ORDER = ['favourites', 'section', 'rooms', 'direct', 'hidden'] as const;

function grouped(rooms: readonly Room[]): Group[] {
  const groups = new Map<string, Group & { rooms: Room[] }>();
  const of = ({ kind, section }: Standing) => {
    const key = keyOf({ kind, section });
    const group = groups.get(key) ?? { kind, section, folded: false, rooms: [] };
    groups.set(key, group);
    return group.rooms;
  };
  for (const kind of ALWAYS) of({ kind, section: '' });
  for (const room of rooms) of(placeIn(room)).push(room);
  return [...groups.values()].sort(
    (one, other) =>
      ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind) ||
      one.section.localeCompare(other.section),
  );
}

function placeIn(room: Room): Standing {
  const { favourite, section } = placeOf(room);
  if (isHidden(room)) return { kind: 'hidden', section: '' };
  if (favourite) return { kind: 'favourites', section: '' };
  if (section) return { kind: 'section', section };
  return { kind: room.kind === 'direct' ? 'direct' : 'rooms', section: '' };
}
