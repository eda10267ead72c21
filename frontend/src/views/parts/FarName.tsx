import type { Author } from '../../rooms/names';
import { useSession } from './context';
import { Name } from './Name';

/** The name of an author of a room, who need not be among its members that are loaded. */
export function FarName({ of: author, room_id }: { of: Author; room_id: string }) {
  const { names, usernames } = useSession();
  const { user_id, shown_as } = author;
  if (!shown_as && !names.isKnown(user_id)) usernames.of(room_id, user_id);
  return <Name of={author} />;
}
