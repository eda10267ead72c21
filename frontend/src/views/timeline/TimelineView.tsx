import type { Signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { dayName } from '../../browser/time';
import { type Row, rowsOf } from '../../rooms/rows';
import {
  findEntry,
  indexOfSeq,
  type MessageEntry,
  type NoticeEntry,
  type Timeline,
} from '../../rooms/timeline';
import { around, NEWEST, rangeOf } from '../../rooms/window';
import type { Role, Room } from '../../wire/protocol';
import { useApp, useSession } from '../parts/context';
import { Name } from '../parts/Name';
import { MessageRow } from './MessageRow';
import { useRoving } from './roving';
import { useScroll } from './scroll';
import { JumpToNewest, UnreadBar } from './UnreadBar';

interface TimelineViewProps {
  room: Room;
  timeline: Signal<Timeline>;
  /** Grows with each message that the user sends. Then the view scrolls to the end. */
  sentCount: number;
  onReply(entry: MessageEntry): void;
}

export function TimelineView({ room, timeline, sentCount, onReply }: TimelineViewProps) {
  const { auth, now } = useApp();
  const session = useSession();
  const { outbox, history, reading } = session;
  const current = timeline.value;
  const { entries } = current;
  const mark = reading.divider.value;
  const line = mark?.room_id === room.id && mark.epoch === current.epoch ? mark.seq : null;
  const [view, setView] = useState(NEWEST);
  const [highlight, setHighlight] = useState<{ seq: number } | null>(null);
  const { from, to } = rangeOf(entries, view);
  const state = auth.state.value;
  const me = {
    user_id: session.user_id,
    username: state.phase === 'signed_in' ? state.user.username : '',
  };
  const rows = rowsOf({
    entries: entries.slice(from, to),
    pending: view.last === null && current.loaded_to === null ? outbox.messagesIn(room.id) : [],
    divider: dividerIn(current, from, line),
    me: session.user_id,
  });
  const loading = history.state(room.id) === 'loading';
  const { scroller, toNewest, letGo } = useScroll({
    timeline: current,
    view,
    setView,
    loading,
    loadOlder: () => {
      if (history.state(room.id) === 'idle') void history.older(room.id);
    },
    loadNewer: () => {
      if (history.state(room.id) === 'idle') void history.newer(room.id);
    },
    openNewest: () => history.openNewest(room.id),
    atBottom: reading.atBottom,
    focused: reading.focused,
    line,
    onShown: (from, to) => reading.show({ room_id: room.id, epoch: current.epoch, from, to }),
    sentCount,
    highlight,
  });

  const toEntry = (seq: number) => {
    const { entries } = timeline.peek();
    const target = entries[indexOfSeq(entries, seq)]?.seq;
    if (target === undefined) return;
    setView(around(entries, target));
    setHighlight({ seq: target });
  };

  const toFirstUnread = async () => {
    const seq = room.first_unread_seq ?? (room.read_seq ?? 0) + 1;
    letGo();
    if (seq < timeline.peek().loaded_from) await history.around(room.id, seq);
    toEntry(seq);
    scroller.current?.focus();
  };

  useRoving(scroller);

  const row = (item: Row) => {
    switch (item.kind) {
      case 'day':
        return (
          <div class="day" key={item.key}>
            <span>{dayName(item.at, now.today.value)}</span>
          </div>
        );
      case 'unread':
        return (
          <div class="unread-line" key={item.key} data-unread>
            <span>New messages</span>
          </div>
        );
      case 'notice':
        return (
          <p class="notice" key={item.key} data-key={item.key} data-seq={item.entry.seq}>
            <Name of={item.entry} /> {noticeText(item.entry)}
          </p>
        );
      default: {
        const reply_to =
          item.kind === 'message' ? item.entry.reply_to : item.pending.command.reply_to;
        const seq = item.kind === 'message' ? item.entry.seq : null;
        return (
          <MessageRow
            key={item.key}
            row={item}
            me={me}
            quoted={reply_to ? findEntry(current, reply_to) : undefined}
            highlighted={seq !== null && seq === highlight?.seq}
            onReply={onReply}
            onQuote={toEntry}
            onRetry={(ref) => outbox.retry(ref)}
            onDiscard={(ref) => outbox.discard(ref)}
          />
        );
      }
    }
  };

  const failed = history.failed(room.id);
  const empty = rows.length === 0 && !current.has_older;
  return (
    <div class="timeline-frame">
      <UnreadBar
        room={room}
        timeline={current}
        onFirst={() => void toFirstUnread()}
        onNewest={toNewest}
      />
      <div
        class="timeline"
        ref={scroller}
        role="log"
        aria-label={`Messages in ${room.name}`}
        aria-live={reading.atBottom.value ? 'polite' : 'off'}
        aria-busy={loading}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        tabIndex={0}
      >
        <div class="timeline-rows">
          <Beginning
            room={room}
            atStart={from === 0 && !current.has_older}
            loading={loading}
            failed={failed === 'older'}
            bare={entries.length === 0}
            onLoad={() => void (failed ? history.again(room.id) : history.older(room.id))}
          />
          {empty && <p class="timeline-empty">Nothing has been said here yet. Say hello.</p>}
          {rows.map(row)}
          {failed === 'newer' && (
            <p class="callout danger" role="alert">
              Newer messages cannot be loaded.{' '}
              <button type="button" class="link-button" onClick={() => void history.again(room.id)}>
                Try again
              </button>
            </p>
          )}
        </div>
      </div>
      {!reading.atBottom.value && rows.length > 0 && <JumpToNewest room={room} onJump={toNewest} />}
    </div>
  );
}

interface BeginningProps {
  room: Room;
  atStart: boolean;
  loading: boolean;
  failed: boolean;
  bare: boolean;
  onLoad(): void;
}

/**
 * Shown above the first message: the beginning of the room, or a button that loads older messages.
 */
function Beginning({ room, atStart, loading, failed, bare, onLoad }: BeginningProps) {
  if (atStart)
    return (
      <div class="beginning">
        <h2 dir="auto">{room.name}</h2>
        <p>This is the beginning of the room.</p>
      </div>
    );
  if (failed)
    return (
      <p class="callout danger" role="alert">
        Older messages cannot be loaded.{' '}
        <button type="button" class="link-button" onClick={onLoad}>
          Try again
        </button>
      </p>
    );
  if (bare && loading) return <SkeletonMessages />;
  return (
    <button type="button" class="load-older" disabled={loading} onClick={onLoad}>
      {loading ? 'Loading older messages…' : 'Load older messages'}
    </button>
  );
}

function SkeletonMessages() {
  return (
    <div aria-hidden="true">
      {['', 'long', 'short', '', 'long'].map((width, index) => (
        <div class="skeleton-message" key={index}>
          <span class="skeleton block" />
          <span class="skeleton-lines">
            <span class="skeleton line short" />
            <span class={`skeleton line ${width}`} />
          </span>
        </div>
      ))}
    </div>
  );
}

/**
 * The unread line is before the first unread message. It is left out while that message is not in
 * the document.
 */
function dividerIn(timeline: Timeline, from: number, divider: number | null): number | null {
  if (divider === null || timeline.loaded_from > divider + 1) return null;
  return indexOfSeq(timeline.entries, divider + 1) < from ? null : divider;
}

const BECAME: Record<Role, string> = {
  owner: 'is now an owner',
  moderator: 'is now a moderator',
  member: 'is now a member',
  reader: 'may now read along',
};

/** Whoever enters by themselves as an owner is who made the room. */
const ENTERED: Record<Role, string> = {
  owner: 'made this room',
  moderator: 'joined',
  member: 'joined',
  reader: 'joined, and may read along',
};

const ADDED: Record<Role, string> = {
  owner: 'was added as an owner',
  moderator: 'was added as a moderator',
  member: 'was added',
  reader: 'was added, and may read along',
};

/** The text that follows the user's name. */
function noticeText({ notice }: NoticeEntry): string {
  if (notice.type === 'room')
    return `changed the room: ${notice.name}${notice.topic ? `, ${notice.topic}` : ''}`;
  const { role, was, by_self } = notice;
  if (!role) return by_self ? 'left' : 'was removed';
  if (was) return BECAME[role];
  return by_self ? ENTERED[role] : ADDED[role];
}
