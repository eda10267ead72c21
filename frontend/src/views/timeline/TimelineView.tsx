import { type Signal, useSignal } from '@preact/signals';
import type { ComponentChild } from 'preact';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import {
  findEntry,
  indexOfSeq,
  type MessageEntry,
  type Timeline,
} from 'tailwire-client/rooms/timeline';
import type { Room } from 'tailwire-client/wire/protocol';
import { dayName } from '../../browser/time';
import { actionOf } from '../../rooms/actions';
import type { Pages } from '../../rooms/history';
import { bySeq, overlaid } from '../../rooms/overlay';
import type { Reading } from '../../rooms/reading';
import { type Row, rowsOf, settingsBefore } from '../../rooms/rows';
import type { Thread } from '../../rooms/threads';
import { around, NEWEST, rangeOf } from '../../rooms/window';
import { useApp, useSession } from '../parts/context';
import { ActPlace } from './ActPlace';
import { useActs } from './acts';
import { Beginning, SkeletonMessages } from './Beginning';
import { loadMessageViews } from './load';
import { MessageRow } from './MessageRow';
import { NoticeRow } from './NoticeRow';
import { usePresses } from './press';
import { useRoving } from './roving';
import { useScroll } from './scroll';
import { JumpToNewest, UnreadBar } from './UnreadBar';

interface TimelineViewProps {
  room: Room;
  timeline: Signal<Timeline>;
  /** The thread that is shown instead of the room. */
  thread?: Thread;
  /** Grows with each message that the user sends. Then the view scrolls to the end. */
  sentCount: number;
  /** The seq of the message that is being edited. */
  editing: Signal<number | null>;
  /** The seq of the message that is to be shown. */
  goal: Signal<number | null>;
  onReply(entry: MessageEntry): void;
  /** Opens the thread below the message `root`, at the reply `seq`. */
  onThread?(root: number, seq: number | null): void;
  /** What is offered at the beginning of the room. */
  welcome?: ComponentChild;
}

export function TimelineView(props: TimelineViewProps) {
  const { room, timeline, thread, sentCount, editing, goal, onReply } = props;
  const { onThread = () => {}, welcome } = props;
  const { auth, now, parts } = useApp();
  const session = useSession();
  const { outbox } = session;
  const { history, reading } = usePlace(thread);
  const root = thread?.root ?? null;
  const current = timeline.value;
  const { entries } = current;
  const mark = reading.divider.value;
  const line = mark?.room_id === room.id && mark.epoch === current.epoch ? mark.seq : null;
  const [view, setView] = useState(NEWEST);
  const [highlight, setHighlight] = useState<{ seq: number } | null>(null);
  const { from, to } = rangeOf(entries, view);
  const isAtEnd = !thread && view.last === null && current.loaded_to === null;
  const hasReceipts = isAtEnd && session.features.value.has('receipts');
  const SeenBy = hasReceipts && parts.of(loadMessageViews).loaded?.SeenBy;
  const state = auth.state.value;
  const me = {
    user_id: session.user_id,
    username: state.phase === 'signed_in' ? state.user.username : '',
  };
  const pending = outbox
    .messagesIn(room.id)
    .filter(({ command: { reply_to } }) => !thread || (reply_to && findEntry(current, reply_to)));
  const changes = bySeq(outbox.changesIn(room.id), current.epoch);
  const rows = rowsOf({
    entries: entries.slice(from, to),
    pending: view.last === null && current.loaded_to === null ? pending : [],
    changes,
    settings: settingsBefore(entries, from),
    divider: dividerIn(current, from, line),
    me: session.user_id,
    isDirect: room.kind === 'direct',
  });
  const quotedBy = (seq: number) => {
    const entry = findEntry(current, seq);
    const own = changes.get(seq);
    return entry?.kind === 'message' && own ? overlaid(entry, own, me.user_id) : entry;
  };
  const loading = history.state(room.id) === 'loading';
  const { scroller, toNewest, letGo, reveal } = useScroll({
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
    keepNear: (range) => history.keepNear(room.id, range),
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

  const toMessage = async (seq: number) => {
    const { loaded_from, loaded_to } = timeline.peek();
    letGo();
    if (seq < loaded_from || (loaded_to !== null && seq > loaded_to))
      await history.around(room.id, seq);
    toEntry(seq);
  };

  const edited = editing.value;
  const wanted = goal.value;
  useEffect(() => {
    if (wanted === null) return;
    goal.value = null;
    void toMessage(wanted);
  }, [wanted]);
  useLayoutEffect(() => {
    if (edited === null) return;
    const index = indexOfSeq(timeline.peek().entries, edited);
    const row = scroller.current?.querySelector(`[data-seq="${edited}"]`);
    if (index < from || index >= to) toEntry(edited);
    else if (row) reveal(row);
  }, [edited]);

  const acts = useActs({ room, timeline, editing, root, onReply, onThread });
  useRoving(scroller, reveal);
  usePresses(scroller, {
    onKey: (key, seq, anchor) => {
      const entry = acts.find(seq);
      const action = key === 'Enter' || key === 'ContextMenu' ? 'menu' : undefined;
      const chosen = action ?? (entry && actionOf(key, acts.offered(entry)));
      if (chosen) acts.act(chosen, seq, anchor);
      return chosen !== undefined;
    },
    onHold: (what, seq, anchor) => acts.act(what === 'message' ? 'menu' : 'reactors', seq, anchor),
  });

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
        return <NoticeRow key={item.key} row={item} />;
      default: {
        const reply_to =
          item.kind === 'message' ? item.entry.reply_to : item.pending.command.reply_to;
        const seq = item.kind === 'message' ? item.entry.seq : null;
        return (
          <MessageRow
            key={item.key}
            row={item}
            room_id={room.id}
            me={me}
            quoted={reply_to ? quotedBy(reply_to) : undefined}
            highlighted={seq !== null && seq === highlight?.seq}
            abilities={acts.abilities}
            isEdited={seq !== null && seq === edited}
            root={root}
            acts={acts}
            onQuote={toEntry}
            onRetry={(ref) => outbox.retry(ref)}
            onDiscard={(ref) => outbox.discard(ref)}
          />
        );
      }
    }
  };

  const said = acts.said.value;
  const failed = history.failed(room.id);
  const empty = rows.length === 0 && !current.has_older && current.loaded_to === null;
  return (
    <div class="timeline-frame">
      {!thread && (
        <UnreadBar
          room={room}
          timeline={current}
          onFirst={() => void toFirstUnread()}
          onNewest={toNewest}
        />
      )}
      <div
        class="timeline"
        ref={scroller}
        role="log"
        aria-label={thread ? 'Messages in the thread' : `Messages in ${session.titles.of(room)}`}
        aria-live={reading.atBottom.value ? 'polite' : 'off'}
        aria-busy={loading}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        tabIndex={0}
      >
        <div class="timeline-rows">
          {thread ? (
            entries.length === 0 && loading && <SkeletonMessages />
          ) : (
            <Beginning
              room={room}
              atStart={from === 0 && !current.has_older}
              loading={loading}
              failed={failed === 'older'}
              bare={entries.length === 0}
              welcome={welcome}
              onLoad={() => void (failed ? history.again(room.id) : history.older(room.id))}
            />
          )}
          {empty && <p class="timeline-empty">Nothing has been said here yet. Say hello.</p>}
          {rows.map(row)}
          {SeenBy && <SeenBy room={room} timeline={current} />}
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
      {!thread && !reading.atBottom.value && rows.length > 0 && (
        <JumpToNewest room={room} onJump={toNewest} />
      )}
      <ActPlace room={room} acts={acts} />
      <p class="said" role="status" key={said?.text}>
        {said?.text}
      </p>
    </div>
  );
}

/** Where the pages come from, and what is told of what is on the screen. Of a thread nothing is told. */
function usePlace(thread: Thread | undefined): {
  history: Pages;
  reading: Pick<Reading, 'divider' | 'atBottom' | 'focused' | 'show'>;
} {
  const { history, reading } = useSession();
  const atBottom = useSignal(true);
  const divider = useSignal(null);
  if (!thread) return { history, reading };
  return { history: thread, reading: { divider, atBottom, focused: reading.focused, show() {} } };
}

/**
 * The unread line is before the first unread message. It is left out while that message is not in
 * the document.
 */
function dividerIn(timeline: Timeline, from: number, divider: number | null): number | null {
  if (divider === null || timeline.loaded_from > divider + 1) return null;
  return indexOfSeq(timeline.entries, divider + 1) < from ? null : divider;
}
