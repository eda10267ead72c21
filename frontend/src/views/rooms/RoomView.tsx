import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { MessageEntry, Timeline } from 'tailwire-client/rooms/timeline';
import type { Room } from 'tailwire-client/wire/protocol';
import { membersHash, roomHash } from '../../browser/router';
import { abilitiesIn } from '../../rooms/actions';
import { isMuted } from '../../rooms/level';
import { bySeq, lastOwn } from '../../rooms/overlay';
import { useApp, useSession } from '../parts/context';
import { Icon } from '../parts/Icon';
import { LazyDialog } from '../parts/LazyDialog';
import { WIDE } from '../parts/media';
import { RoomMark } from '../parts/RoomMark';
import { Composer } from '../timeline/Composer';
import { loadMessageViews } from '../timeline/load';
import { TimelineView } from '../timeline/TimelineView';
import { loadRoomViews } from './load';
import type { AboutRoom } from './RoomMenu';
import { useThreadPlace } from './thread_place';

interface RoomViewProps {
  room: Room;
  timeline: Signal<Timeline>;
}

export function RoomView({ room, timeline }: RoomViewProps) {
  const session = useSession();
  const { members } = session;
  const { now, parts, router } = useApp();
  const route = router.route.value;
  // In a wide window the members stand beside the conversation. In any other they cover it, so they
  // have an address: "back" returns to the conversation.
  const [beside, setBeside] = useState(() => window.matchMedia(WIDE).matches);
  const features = session.features.value;
  const here = route.name === 'room' ? route : null;
  const root = features.has('threads') ? (here?.thread ?? null) : null;
  const inFront = here?.panel === 'members';
  const showMembers = (beside || inFront) && root === null;
  const wentThere = useRef(false);
  const [about, setAbout] = useState<AboutRoom | null>(null);
  const [anchor, setAnchor] = useState(() => new DOMRect());
  const [showPins, setShowPins] = useState(false);
  const muted = isMuted(room, now.minute.value);
  const title = session.titles.of(room);
  const isDirect = room.kind === 'direct';
  const replyTo = useSignal<MessageEntry | null>(null);
  const editing = useSignal<number | null>(null);
  const goal = useSignal<number | null>(null);
  const { epoch } = room;
  const [sentCount, setSentCount] = useState(0);
  const { MembersPanel: Members, Welcome } = parts.of(loadRoomViews).value ?? {};
  const messageViews = parts.of(loadMessageViews);
  const Thread = messageViews.value?.ThreadPanel;
  const Dropped = messageViews.loaded?.DroppedChanges;
  const membersButton = useRef<HTMLButtonElement>(null);
  const place = useRef<HTMLElement>(null);
  useEffect(() => void members.know(room.id), [members, room.id]);
  // Under another epoch another message may have the seq of the one that is answered.
  useLayoutEffect(() => {
    replyTo.value = null;
    editing.value = null;
  }, [replyTo, editing, epoch]);
  const linked = here?.thread == null ? (here?.seq ?? null) : null;
  useEffect(() => {
    if (linked === null) return;
    goal.value = linked;
    // The same link leads there once more.
    router.replace(roomHash(room.id));
  }, [router, goal, linked, room.id]);
  const editLast = () => {
    if (!abilitiesIn(room, session.features.value).edit) return false;
    const changes = bySeq(session.outbox.changesIn(room.id), epoch);
    editing.value = lastOwn(timeline.peek(), changes, session.user_id) ?? editing.peek();
    return editing.peek() !== null;
  };
  const openMembers = () => {
    // Both have no place beside the room.
    if (root !== null) router.replace(roomHash(room.id));
    if (window.matchMedia(WIDE).matches) return setBeside(true);
    wentThere.current = true;
    router.go(membersHash(room.id));
  };
  const closeMembers = () => {
    setBeside(false);
    if (!inFront) return;
    if (wentThere.current) router.back();
    else router.replace(roomHash(room.id));
    wentThere.current = false;
  };
  const closeAbout = () => setAbout(null);
  const person = here?.person ?? null;
  const closeCard = () => router.closeCard();
  const thread = useThreadPlace(room, root, place);
  const look = root !== null ? 'room with-thread' : showMembers ? 'room with-members' : 'room';
  return (
    <div class={look}>
      <section class="place" aria-labelledby="room-name" ref={place}>
        <header class="place-head">
          <a class="icon-button back" href="#/" aria-label="Back to your rooms">
            <Icon name="back" />
          </a>
          <div class="place-title">
            <h1 id="room-name" tabIndex={-1} data-place-heading>
              {isDirect ? (
                <RoomMark room={room} />
              ) : (
                <Icon name={room.visibility === 'private' ? 'lock' : 'hash'} size={18} />
              )}
              <span class="visually-hidden">
                {isDirect
                  ? 'Direct room with '
                  : room.visibility === 'private'
                    ? 'Private room '
                    : 'Public room '}
              </span>
              <span dir="auto">{title}</span>
            </h1>
            {room.topic && (
              <p class="topic" dir="auto" title={room.topic}>
                {room.topic}
              </p>
            )}
          </div>
          {session.features.value.has('pin') && (
            <button
              type="button"
              class="icon-button"
              aria-label="Pinned messages"
              title="Pinned messages"
              onClick={() => setShowPins(true)}
            >
              <Icon name="pin" />
            </button>
          )}
          {session.features.value.has('notifications') && (
            <button
              type="button"
              class="icon-button"
              aria-label={muted ? 'Notifications, muted' : 'Notifications'}
              title="Notifications"
              onClick={() => setAbout('notices')}
            >
              <Icon name={muted ? 'bellOff' : 'bell'} />
            </button>
          )}
          <button
            ref={membersButton}
            type="button"
            class="icon-button"
            aria-label="Members"
            title="Members"
            aria-expanded={showMembers}
            onClick={showMembers ? closeMembers : openMembers}
          >
            <Icon name="people" />
          </button>
          <button
            type="button"
            class="icon-button"
            aria-label="More about this room"
            title="More"
            aria-haspopup="menu"
            onClick={({ currentTarget }) => {
              setAnchor(currentTarget.getBoundingClientRect());
              setAbout('menu');
            }}
          >
            <Icon name="more" />
          </button>
        </header>
        <TimelineView
          key={epoch}
          room={room}
          timeline={timeline}
          sentCount={sentCount}
          editing={editing}
          goal={goal}
          onReply={(entry) => {
            replyTo.value = entry;
          }}
          onThread={thread.open}
          welcome={Welcome && <Welcome room={room} onOpen={setAbout} />}
        />
        {Dropped && <Dropped room={room} />}
        <Composer
          room={room}
          draft={room.id}
          label={`Message ${title}`}
          replyTo={replyTo}
          onSent={() => setSentCount((count) => count + 1)}
          onEditLast={editLast}
        />
      </section>
      {root !== null &&
        (Thread ? (
          <Thread room={room} root={root} seq={here?.seq ?? null} onClose={thread.close} />
        ) : (
          <aside class="thread" aria-label="Thread" />
        ))}
      {showMembers &&
        (Members ? (
          <Members
            room={room}
            onClose={() => {
              closeMembers();
              membersButton.current?.focus();
            }}
          />
        ) : (
          <aside class="members" aria-label="Members" />
        ))}
      <LazyDialog
        title="Pinned messages"
        open={showPins}
        load={loadMessageViews}
        show={({ PinsDialog }) => (
          <PinsDialog
            room={room}
            onClose={() => setShowPins(false)}
            onJump={(seq) => {
              setShowPins(false);
              goal.value = seq;
            }}
          />
        )}
        onClose={() => setShowPins(false)}
      />
      <LazyDialog
        title={title}
        open={about !== null}
        load={loadRoomViews}
        show={({ RoomDialogs }) =>
          about && (
            <RoomDialogs
              {...{ room, anchor }}
              what={about}
              onOpen={setAbout}
              onClose={closeAbout}
            />
          )
        }
        onClose={closeAbout}
      />
      <LazyDialog
        title="About somebody"
        open={person !== null}
        load={loadRoomViews}
        show={({ PersonDialog }) =>
          person && (
            <PersonDialog
              {...{ room }}
              key={person}
              user_id={person}
              first="card"
              onClose={closeCard}
            />
          )
        }
        onClose={closeCard}
      />
    </div>
  );
}
