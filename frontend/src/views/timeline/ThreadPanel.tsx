import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { MessageEntry } from 'tailwire-client/rooms/timeline';
import type { Room } from 'tailwire-client/wire/protocol';
import { onKeys } from '../../browser/keys';
import { abilitiesIn } from '../../rooms/actions';
import { bySeq, lastOwn } from '../../rooms/overlay';
import { answerable } from '../../rooms/thread_timeline';
import type { Thread } from '../../rooms/threads';
import { useSession } from '../parts/context';
import { Icon } from '../parts/Icon';
import { Composer } from './Composer';
import { TimelineView } from './TimelineView';

interface ThreadPanelProps {
  room: Room;
  /** The seq of the message below which the thread stands. */
  root: number;
  /** The reply that is to be shown; null for where the thread was left. */
  seq: number | null;
  onClose(): void;
}

/** The thread below a message. It stands beside the room, or covers it in a narrow window. */
export function ThreadPanel({ room, root, seq, onClose }: ThreadPanelProps) {
  const session = useSession();
  const { titles } = session;
  const threads = session.threads.value;
  const { epoch } = room;
  useLayoutEffect(() => {
    threads?.show(room.id, root);
    return () => threads?.close();
  }, [threads, room.id, root, epoch]);
  const thread = threads?.open.value;
  return (
    <aside
      class="thread"
      aria-labelledby="thread-title"
      onKeyDown={onKeys((event) => {
        const { target } = event;
        const isInDialog = target instanceof Element && target.closest('dialog');
        if (event.key === 'Escape' && !event.defaultPrevented && !isInDialog) onClose();
      })}
    >
      <header class="thread-head">
        <button
          type="button"
          class="icon-button back"
          aria-label="Back to the room"
          onClick={onClose}
        >
          <Icon name="back" />
        </button>
        <h2 id="thread-title">
          Thread <span class="visually-hidden">in {titles.of(room)}</span>
        </h2>
        <button
          type="button"
          class="icon-button thread-close"
          aria-label="Close the thread"
          onClick={onClose}
        >
          <Icon name="close" />
        </button>
      </header>
      {thread?.root === root && <Conversation key={root} {...{ room, thread, seq }} />}
    </aside>
  );
}

function Conversation({ room, thread, seq }: { room: Room; thread: Thread; seq: number | null }) {
  const session = useSession();
  const replyTo = useSignal<MessageEntry | null>(null);
  const editing = useSignal<number | null>(null);
  const goal = useSignal<number | null>(null);
  const [sentCount, setSentCount] = useState(0);
  const toEnd = () => setSentCount((count) => count + 1);
  const place = useRef<HTMLDivElement>(null);
  const timeline = thread.timeline.value;
  const { epoch } = timeline;
  const isLoaded = timeline.entries.length > 0;
  // What is new is at the end. A long thread is shown from its beginning, for its end is not loaded.
  useEffect(() => {
    if (isLoaded && seq !== null) goal.value = seq;
    else if (isLoaded && thread.timeline.peek().loaded_to === null) toEnd();
  }, [goal, isLoaded, seq]);
  // Who may not write, or has a phone, stands in the messages.
  useEffect(() => {
    if (!isLoaded || place.current?.parentElement?.contains(document.activeElement)) return;
    place.current?.querySelector<HTMLElement>('[role=log]')?.focus();
  }, [isLoaded]);
  const editLast = () => {
    if (!abilitiesIn(room, session.features.value).edit) return false;
    const changes = bySeq(session.outbox.changesIn(room.id), epoch);
    editing.value = lastOwn(thread.timeline.peek(), changes, session.user_id) ?? editing.peek();
    return editing.peek() !== null;
  };
  const answers = answerable(timeline);
  return (
    <div class="thread-place" ref={place}>
      <TimelineView
        room={room}
        timeline={thread.timeline}
        thread={thread}
        sentCount={sentCount}
        editing={editing}
        goal={goal}
        onReply={(entry) => {
          replyTo.value = entry;
        }}
      />
      {answers === null ? (
        isLoaded && <p class="composer-closed">All of it was deleted, so nobody can answer.</p>
      ) : (
        <Composer
          room={room}
          draft={`thread ${room.id} ${epoch} ${thread.root}`}
          label="Reply in the thread"
          answers={answers}
          replyTo={replyTo}
          onSent={toEnd}
          onEditLast={editLast}
        />
      )}
    </div>
  );
}
