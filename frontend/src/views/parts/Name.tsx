import type { Author } from '../../rooms/names';
import { useSession } from './context';

/** What a user is called, the same in every place. Anyone may take any name: the title says who it is. */
export function Name({ of: author }: { of: Author }) {
  const { names } = useSession();
  return <bdi title={`@${author.username}`}>{names.of(author)}</bdi>;
}

/** The username beside a name that is not it already. */
export function Username({ of: author }: { of: Author }) {
  const { names } = useSession();
  return names.of(author) === author.username ? null : (
    <bdi class="username">@{author.username}</bdi>
  );
}
