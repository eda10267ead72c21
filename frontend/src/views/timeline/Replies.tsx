import type { MessageEntry } from 'tailwire-client/rooms/timeline';
import { shortTime } from '../../browser/time';
import { useApp } from '../parts/context';
import { Icon } from '../parts/Icon';

type OnOpen = (event: { currentTarget: Element }) => void;

/** How many replies stand below a message. Opens its thread. */
export function Replies({ entry, onOpen }: { entry: MessageEntry; onOpen: OnOpen }) {
  const { now } = useApp();
  const { reply_count, last_reply_at } = entry;
  if (reply_count === 0) return null;
  return (
    <button type="button" class="replies" tabIndex={-1} onClick={onOpen}>
      <Icon name="thread" size={14} />
      <strong>
        {reply_count} {reply_count === 1 ? 'reply' : 'replies'}
      </strong>
      {last_reply_at && (
        <span class="replies-last">
          last <time dateTime={last_reply_at}>{shortTime(last_reply_at, now.today.value)}</time>
        </span>
      )}
    </button>
  );
}

/** Opens the thread in which a reply stands. */
export function ToThread({ onOpen }: { onOpen: OnOpen }) {
  return (
    <button type="button" class="replies" tabIndex={-1} title="Open thread" onClick={onOpen}>
      <Icon name="thread" size={14} />
      <span class="visually-hidden">Open the </span>Thread
    </button>
  );
}
