import type { MessageEntry } from 'tailwire-client/rooms/timeline';
import type { Author } from '../../rooms/names';
import { Avatar } from '../parts/Avatar';
import { useApp, useSession } from '../parts/context';

/** The picture beside a message. The address of one is not loaded: it would tell its host who reads. */
export function AuthorAvatar({ of }: { of: MessageEntry | Author }) {
  const { emoji } = useApp();
  const { names } = useSession();
  const isBot = 'is_bot' in of && of.is_bot;
  const icon = of.shown_as?.icon_emoji;
  // A name has only letters and signs that are ASCII; what is no name is an emoji itself.
  const picture =
    typeof icon === 'string' && /^[\w+'-]+$/.test(icon) ? emoji.value?.named(icon) : icon;
  return picture ? (
    <span class="avatar emoji-avatar" aria-hidden="true">
      {picture}
    </span>
  ) : (
    <Avatar
      username={isBot ? names.of(of) : of.username}
      id={of.shown_as ? undefined : of.user_id}
    />
  );
}
