import { useLayoutEffect, useRef } from 'preact/hooks';
import { messageEntry } from 'tailwire-client/rooms/timeline';
import type { Message } from 'tailwire-client/wire/protocol';
import { messageHash } from '../../browser/router';
import { mediumTime } from '../../browser/time';
import { withFound } from '../../formatting/found';
import { keyOf } from '../../rooms/search';
import { useSession } from '../parts/context';
import { FarName } from '../parts/FarName';
import { Body } from '../timeline/Body';
import { useMentions } from '../timeline/mentions';

interface FoundItemProps {
  message: Message;
  /** What is marked in it. */
  terms: readonly string[];
  /** Whether the Tab key comes to it. */
  isReached: boolean;
  onOpen(): void;
}

/** A message that was found: its room, its author, and its text around the first term. */
export function FoundItem({ message, terms, isReached, onOpen }: FoundItemProps) {
  const { rooms, titles } = useSession();
  const { room_id, seq, at, body, deleted, edited_at, thread } = message;
  const room = rooms.get(room_id);
  const entry = messageEntry(message);
  const mentions = useMentions(room_id, entry);
  const text = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (text.current) showFirst(text.current);
  });
  return (
    <li class="found-item">
      <p class="mention-head">
        <a
          class="found-link"
          href={messageHash(room_id, seq)}
          data-key={keyOf(message)}
          tabIndex={isReached ? 0 : -1}
          onClick={onOpen}
        >
          <strong>
            <FarName of={message} room_id={message.room_id} />
          </strong>{' '}
          in <bdi>{room ? titles.of(room) : 'a room'}</bdi>
          {thread != null && ', in a thread'}, <time dateTime={at}>{mediumTime(at)}</time>
        </a>
      </p>
      {deleted ? (
        <p class="tombstone">This message was deleted.</p>
      ) : (
        <div class="found-body" ref={text}>
          <Body text={body} mentions={mentions} change={(blocks) => withFound(blocks, terms)} />
        </div>
      )}
      {edited_at != null && !deleted && <p class="found-edited">edited</p>}
    </li>
  );
}

/** Scrolls a text that is too long for its place to the first mark in it. */
function showFirst(box: HTMLElement): void {
  const mark = box.querySelector('mark');
  box.scrollTop = 0;
  if (mark) {
    for (let one = mark.parentElement; one && one !== box; one = one.parentElement) {
      one.scrollLeft = 0;
      scrollTo(one, mark, 'left', 'clientWidth', 'scrollLeft');
    }
    scrollTo(box, mark, 'top', 'clientHeight', 'scrollTop');
  }
  box.classList.toggle('more-above', box.scrollTop > 0);
  box.classList.toggle('more-below', box.scrollTop + box.clientHeight < box.scrollHeight - 1);
}

/** Scrolls so far that the mark stands in the first third of the place, unless it is there already. */
function scrollTo(
  place: HTMLElement,
  mark: HTMLElement,
  side: 'left' | 'top',
  size: 'clientWidth' | 'clientHeight',
  scroll: 'scrollLeft' | 'scrollTop',
): void {
  const before = mark.getBoundingClientRect()[side] - place.getBoundingClientRect()[side];
  const third = place[size] / 3;
  if (before > 2 * third) place[scroll] = before - third;
}
