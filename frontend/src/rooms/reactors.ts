/** The names of who reacted, as far as they are known. */

import type { Reaction } from 'tailwire-client/rooms/timeline';
import type { Member } from 'tailwire-client/wire/protocol';
import type { Names } from './names';

// A list of names longer than this is not read.
const MOST_NAMES = 20;

interface Known {
  me: string;
  members: readonly Member[];
  names: Names;
}

/** At most 20 names, the user's own first. Some of those who reacted may have left the room. */
export function namesOf({ user_ids }: Reaction, { me, members, names }: Known): string[] {
  const others = user_ids.filter((id) => id !== me).slice(0, MOST_NAMES);
  const known = others.flatMap((user_id) => {
    const member = members.find((one) => one.user_id === user_id);
    const name = names.of({ user_id, username: member?.username ?? '' });
    return name ? [name] : [];
  });
  return user_ids.includes(me) ? ['You', ...known] : known;
}
