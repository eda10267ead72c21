import type { MessageEntry } from 'tailwire-client/rooms/timeline';
import type { Author } from '../../rooms/names';
import { Avatar } from '../parts/Avatar';
import { useApp, useSession } from '../parts/context';
import { Name } from '../parts/Name';

/** The name beside a message. A hook may ask for another one; its own is on its card. */
export function AuthorName({ of }: { of: MessageEntry | Author }) {
  const shown = shownIn(of);
  return shown ? <bdi title={`@${of.username}`}>{shown.name}</bdi> : <Name of={of} />;
}

/** The picture beside a message. The address of one is not loaded: it would tell its host who reads. */
export function AuthorAvatar({ of }: { of: MessageEntry | Author }) {
  const { emoji } = useApp();
  const { names } = useSession();
  const shown = shownIn(of);
  const isBot = 'is_bot' in of && of.is_bot;
  const icon = shown?.icon_emoji;
  // A name has only letters and signs that are ASCII; what is no name is an emoji itself.
  const picture = icon && /^[\w+'-]+$/.test(icon) ? emoji.value?.named(icon) : icon;
  return picture ? (
    <span class="avatar emoji-avatar" aria-hidden="true">
      {picture}
    </span>
  ) : (
    <Avatar
      username={shown?.name ?? (isBot ? names.of(of) : of.username)}
      id={shown ? undefined : of.user_id}
    />
  );
}

function shownIn(author: MessageEntry | Author) {
  return 'shown_as' in author && typeof author.shown_as?.name === 'string' ? author.shown_as : null;
}
