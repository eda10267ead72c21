import { useState } from 'preact/hooks';
import type { Timeline } from 'tailwire-client/rooms/timeline';
import type { Room } from 'tailwire-client/wire/protocol';
import { Avatar } from '../parts/Avatar';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Name } from '../parts/Name';

// So many are named in the line. It opens a list of all.
const MOST_NAMED = 3;

/** Says who of the others has read the newest message. */
export function SeenBy({ room, timeline }: { room: Room; timeline: Timeline }) {
  const { receipts } = useSession();
  const [isOpen, setOpen] = useState(false);
  const last = [...timeline.entries].reverse().find(({ kind }) => kind === 'message');
  const readers =
    last?.kind === 'message'
      ? receipts
          .seenBy(room.id, { epoch: timeline.epoch, seq: last.seq })
          .filter(({ user_id }) => user_id !== last.user_id)
      : [];
  // The line is there without readers, too, so that nothing moves when somebody has read.
  if (readers.length === 0) return <p class="seen-by" />;
  const named = readers.slice(0, MOST_NAMED);
  const more = readers.length - named.length;
  return (
    <>
      <p class="seen-by">
        <button
          type="button"
          class="seen-by-all"
          aria-haspopup="dialog"
          onClick={() => setOpen(true)}
        >
          Seen by{' '}
          {named.map((reader, index) => (
            <span key={reader.user_id}>
              {index > 0 && (index === named.length - 1 && more === 0 ? ' and ' : ', ')}
              <Name of={reader} />
            </span>
          ))}
          {more > 0 && ` and ${more} more`}
        </button>
      </p>
      {isOpen && (
        <Dialog title="Seen by" onClose={() => setOpen(false)}>
          <ul class="seen-by-list">
            {readers.map((reader) => (
              <li key={reader.user_id}>
                <Avatar username={reader.username} id={reader.user_id} />
                <Name of={reader} />
              </li>
            ))}
          </ul>
        </Dialog>
      )}
    </>
  );
}
