import type { Author } from '../../rooms/names';
import { useSession } from './context';

/** The display name of a user. Two users may have the same one, so the title tells the username. */
export function Name({ of: author }: { of: Author }) {
  const { names } = useSession();
  return <bdi title={`@${author.username}`}>{names.of(author)}</bdi>;
}

/** The username, shown only where the display name differs from it. */
export function Username({ of: author }: { of: Author }) {
  const { names } = useSession();
  return names.of(author) === author.username ? null : (
    <bdi class="username">@{author.username}</bdi>
  );
}
