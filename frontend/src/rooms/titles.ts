import type { PublicUser, Room } from 'tailwire-client/wire/protocol';
import type { Names } from './names';

type Titled = Pick<Room, 'name' | 'kind' | 'users'>;

/** How rooms are called: by their names, and direct rooms by the names of the others in them. */
export class Titles {
  readonly #names: Names;
  readonly #me: string;

  constructor(names: Names, me: string) {
    this.#names = names;
    this.#me = me;
  }

  /** Whoever reads this while rendering is drawn again when one of the others has another name. */
  of(room: Titled): string {
    if (room.kind !== 'direct') return room.name;
    const others = this.others(room);
    return others.map((user) => this.nameOf(user)).join(', ') || 'Nobody else';
  }

  /** The display name of a user, as it is now. */
  nameOf({ id, username, display_name }: PublicUser): string {
    return this.#names.of({ user_id: id, username: display_name || username });
  }

  /** Who is in a direct room besides the user, by username; nobody for other rooms. */
  others({ users = [] }: Pick<Room, 'users'>): readonly PublicUser[] {
    return users
      .filter(({ id }) => id !== this.#me)
      .sort((one, other) => one.username.localeCompare(other.username));
  }
}
