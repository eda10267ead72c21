import { useEffect, useState } from 'preact/hooks';
import { messageEntry } from 'tailwire-client/rooms/timeline';
import type { Message } from 'tailwire-client/wire/protocol';
import { messageHash } from '../../browser/router';
import { mediumTime } from '../../browser/time';
import { PagedList } from '../../wire/paged_list';
import { useSession } from '../parts/context';
import { FarName } from '../parts/FarName';
import { LoadFailure } from '../parts/LoadFailure';
import { MoreButton } from '../parts/MoreButton';
import { PlaceHead } from '../parts/PlaceHead';
import { Body } from '../timeline/Body';
import { useMentions } from '../timeline/mentions';

/** The messages that mention the user. It is loaded anew when somebody mentions the user meanwhile. */
export function Mentions() {
  const session = useSession();
  const [mentions] = useState(() => new PagedList((cursor) => session.mentions.list(cursor)));
  const count = session.inbox.mentionCount.value;
  useEffect(() => void mentions.load(), [mentions, count]);
  const items = mentions.items.value.filter(({ user_id }) => !session.blocks.has(user_id));
  const state = mentions.state.value;
  return (
    <section class="place">
      <PlaceHead>Mentions</PlaceHead>
      <div class="browse">
        {state === 'failed' && (
          <LoadFailure error={mentions.error.value} onAgain={() => void mentions.load()} />
        )}
        <ul class="mentions" aria-busy={state === 'loading'}>
          {items.map((message) => (
            <Mention key={`${message.room_id} ${message.seq}`} message={message} />
          ))}
        </ul>
        {state === 'loaded' && items.length === 0 && !mentions.hasMore.value && (
          <p class="browse-none">Nobody has mentioned you yet.</p>
        )}
        {state === 'loading' && items.length === 0 && <p class="browse-none">Loading…</p>}
        <MoreButton list={mentions}>Show older ones</MoreButton>
      </div>
    </section>
  );
}

function Mention({ message }: { message: Message }) {
  const { rooms, titles } = useSession();
  const { room_id, seq, at, body } = message;
  const room = rooms.get(room_id);
  const whom = useMentions(room_id, messageEntry(message));
  return (
    <li class="mention-item">
      <p class="mention-head">
        <strong>
          <FarName of={message} room_id={message.room_id} />
        </strong>{' '}
        in <bdi>{room ? titles.of(room) : 'a room'}</bdi>{' '}
        <time dateTime={at}>{mediumTime(at)}</time>
      </p>
      <div class="mention-body">
        <Body text={body} mentions={whom} />
      </div>
      <a class="button small" href={messageHash(room_id, seq)}>
        Show in the room
      </a>
    </li>
  );
}
