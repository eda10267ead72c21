import { personHash } from '../../browser/router';
import type { Usernames } from '../../rooms/usernames';
import { useSession } from '../parts/context';
import type { Mentions } from './Body';

/** The name by which a message mentions everybody in its room. */
export const EVERYBODY = 'room';

interface Mentioning {
  user_id: string;
  mentions: readonly string[];
  mentions_all: boolean;
}

/** Whom a message of a room mentions; undefined where it is nobody. */
export function useMentions(room_id: string, message: Mentioning | null): Mentions | undefined {
  const { names, usernames, user_id: me } = useSession();
  if (!message || (message.mentions.length === 0 && !message.mentions_all)) return undefined;
  return (name) => {
    const isOfOthers = message.user_id !== me;
    if (message.mentions_all && name === EVERYBODY)
      return { name: EVERYBODY, isMe: isOfOthers, href: null };
    const user = named(name, message.mentions, room_id, usernames);
    return (
      user && {
        ...{ name: names.of(user), isMe: isOfOthers && user.user_id === me },
        href: personHash(room_id, user.user_id),
      }
    );
  };
}

function named(name: string, ids: readonly string[], room_id: string, usernames: Usernames) {
  for (const id of ids) {
    const user = usernames.of(room_id, id);
    if (user?.username === name) return user;
  }
  return null;
}
