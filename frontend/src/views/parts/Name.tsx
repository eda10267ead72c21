import type { Author } from '../../rooms/names';
import { useSession } from './context';

/**
 * The display name of a user, or that which a message of a hook asks for. Two users may have the same one, so the
 * title tells the username.
 */
export function Name({ of: author }: { of: Author }) {
  const { names } = useSession();
  return <bdi title={`@${author.username}`}>{names.of(author)}</bdi>;
}

/** The username, shown only where the display name differs from it. A message of a hook has it on the card of the hook. */
export function Username({ of: author }: { of: Author }) {
  const { names } = useSession();
  return author.shown_as || names.of(author) === author.username ? null : (
    <bdi class="username">@{author.username}</bdi>
  );
}
