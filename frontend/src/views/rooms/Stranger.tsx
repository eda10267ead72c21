import { useEffect, useState } from 'preact/hooks';
import { Problem, problemText } from 'tailwire-client/wire/problem';
import type { Room } from 'tailwire-client/wire/protocol';
import { useSession } from '../parts/context';
import { NewsText } from '../parts/NewsText';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';
import { Waiting } from './RoomPlace';

/** A room that the user is no member of: it can be joined, or cannot be seen. */
export function Stranger({ id }: { id: string }) {
  const { membership, news } = useSession();
  const ended = news.of(id);
  const [room, setRoom] = useState<Room | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const { error, run } = useWork();

  useEffect(() => {
    let left = false;
    membership.lookUp(id).then(
      (found) => left || setRoom(found),
      (reason) => left || setProblem(reason),
    );
    return () => {
      left = true;
    };
  }, [membership, id]);

  // Who has read here that the membership ended is not told again elsewhere.
  useEffect(() => () => news.seen(id), [news, id]);

  if (!room && !problem && !ended) return <Waiting text="Looking for this room…" />;
  const missing = problem instanceof Problem && problem.status === 404;
  return (
    <section class="empty">
      <h1 tabIndex={-1} data-place-heading dir="auto">
        {room?.name ??
          ended?.name ??
          (missing ? 'There is no such room' : 'This room cannot be opened')}
      </h1>
      {room?.topic && <p dir="auto">{room.topic}</p>}
      <p>
        {ended ? (
          <NewsText item={ended} />
        ) : room ? (
          'You are not a member of this room.'
        ) : missing ? (
          'It was removed, or you are not a member of it.'
        ) : (
          problemText(problem)
        )}
      </p>
      {error && (
        <p class="callout danger" role="alert">
          {error}
        </p>
      )}
      {room && (
        <WorkButton
          class="button primary"
          doing="Joining…"
          onPress={() => run(() => membership.join(id))}
        >
          Join this room
        </WorkButton>
      )}
      <a class="button" href="#/browse">
        Browse public rooms
      </a>
      <a class="button back" href="#/">
        Your rooms
      </a>
    </section>
  );
}
