import type { Clock } from 'tailwire-client/clock';
import type { RoomsApi } from 'tailwire-client/wire/api/rooms';
import type { UsersApi } from 'tailwire-client/wire/api/users';
import type { PublicUser, Room } from 'tailwire-client/wire/protocol';
import { Directory } from './directory';
import { fitOf, namesOf, plain } from './finding';
import { People } from './people';
import type { Rooms } from './rooms';
import type { Titles } from './titles';

/** What a user may go to: a room of theirs, a public room, or a person with whom they have no direct room yet. */
export type Found =
  | { kind: 'room'; room: Room }
  | { kind: 'person'; user: PublicUser }
  | { kind: 'public'; room: Room };

interface FinderOptions {
  user_id: string;
  rooms: Rooms;
  titles: Titles;
  clock: Clock;
  publicRooms: RoomsApi;
  users: UsersApi;
  /** Whether the server has direct rooms. */
  hasDirect: boolean;
}

const MOST_SHOWN = 9;
const ORDER = ['room', 'person', 'public'] as const;

/** Finds rooms and people by a part of a name: those that this page knows at once, and those of the server after them. */
export class Finder {
  readonly #options: FinderOptions;
  readonly #people: People;
  readonly #directory: Directory;

  constructor(options: FinderOptions) {
    this.#options = options;
    this.#people = new People(options.users, options.clock);
    this.#directory = new Directory(options.publicRooms, options.clock);
  }

  /** Asks the server while somebody types. */
  look(text: string): void {
    if (this.#options.hasDirect) this.#people.look(text.trim().replace(/^@/, ''));
    if (text.trim()) this.#directory.look(text);
  }

  /** Whoever reads this while rendering is drawn again when the server has found more. */
  found(text: string): readonly Found[] {
    const wanted = plain(text.trim().replace(/^@/, ''));
    const { rooms, titles } = this.#options;
    const own = rooms.sorted.value.map((room) => ({ kind: 'room' as const, room }));
    if (!wanted) return own.slice(0, MOST_SHOWN);
    const all: Found[] = [
      ...own,
      ...this.#strangers().map((user) => ({ kind: 'person' as const, user })),
      ...this.#directory.items.value
        .filter(({ id }) => !rooms.get(id))
        .map((room) => ({ kind: 'public' as const, room })),
    ];
    return all
      .map((found) => ({ found, fit: fitTo(found, titles, wanted) }))
      .filter((one): one is { found: Found; fit: number } => one.fit !== null)
      .sort(
        (one, other) =>
          one.fit - other.fit || ORDER.indexOf(one.found.kind) - ORDER.indexOf(other.found.kind),
      )
      .slice(0, MOST_SHOWN)
      .map(({ found }) => found);
  }

  /** People with whom the user has no room of two: those of larger direct rooms, and whom the server found. */
  #strangers(): PublicUser[] {
    if (!this.#options.hasDirect) return [];
    const { rooms, titles, user_id } = this.#options;
    const direct = rooms.sorted.value.filter(({ kind }) => kind === 'direct');
    const others = direct.map((room) => titles.others(room));
    const met = new Set(others.flatMap((users) => (users.length === 1 ? users : [])).map(idOf));
    const strangers = new Map<string, PublicUser>();
    for (const user of [...others.flat(), ...this.#people.found.value])
      if (user.id !== user_id && !met.has(user.id)) strangers.set(user.id, user);
    return [...strangers.values()];
  }
}

/** A person fits better than a larger direct room in which they are. */
function fitTo(found: Found, titles: Titles, wanted: string): number | null {
  const fit = fitOf(namesIn(found, titles), wanted);
  const isGroup = found.kind !== 'person' && titles.others(found.room).length > 1;
  return fit !== null && isGroup ? fit + 0.5 : fit;
}

function namesIn(found: Found, titles: Titles): string[] {
  if (found.kind !== 'person') return namesOf(found.room, titles);
  return [titles.nameOf(found.user), found.user.username];
}

function idOf({ id }: PublicUser): string {
  return id;
}
