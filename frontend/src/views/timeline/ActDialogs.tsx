import { useState } from 'preact/hooks';
import type { MessageEntry } from 'tailwire-client/rooms/timeline';
import type { Room } from 'tailwire-client/wire/protocol';
import { mediumTime } from '../../browser/time';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { EmojiPicker } from '../parts/EmojiPicker';
import { LoadFailure } from '../parts/LoadFailure';
import { useLoaded } from '../parts/loaded';
import { Name, Username } from '../parts/Name';
import type { Acts } from './acts';
import { Body } from './Body';
import { Excerpt } from './Excerpt';
import { Forward } from './Forward';
import { MessageMenu, ReactMenu } from './MessageMenu';
import { Report } from './Report';
import { RoomPictures } from './RoomPictures';

/** The menu or the dialog that is open for a message. */
export function ActDialogs({ room, acts }: { room: Room; acts: Acts }) {
  const { user_id: me } = useSession();
  const { close } = acts;
  const acting = acts.acting.value;
  const entry = acting && acts.find(acting.seq);
  if (!entry) return null;
  const { what, seq, anchor } = acting;
  const onReact = (emoji: string) => acts.react(seq, emoji);
  const onMore = () => acts.pick(seq, anchor);
  switch (what) {
    case 'menu':
      return (
        <MessageMenu
          {...{ entry, me, anchor, onReact, onMore }}
          actions={acts.offered(entry)}
          onAct={(action) => acts.act(action, seq, anchor)}
          onClose={close}
        />
      );
    case 'react':
      return <ReactMenu {...{ entry, me, anchor, onReact, onMore }} onClose={close} />;
    case 'emoji':
      return <EmojiPicker onPick={onReact} onClose={close} />;
    case 'edits':
      return <Edits room={room} entry={entry} onClose={close} />;
    case 'reactors':
      return <Reactors room={room} entry={entry} onClose={close} />;
    case 'delete':
      return <Delete entry={entry} onClose={close} onDelete={() => acts.remove(seq)} />;
    case 'forward':
      return <Forward room={room} entry={entry} onClose={close} onForward={acts.forward} />;
    case 'pictures':
      return <RoomPictures room={room} entry={entry} file_id={acting.file_id} onClose={close} />;
    case 'report':
      return <Report room={room} entry={entry} onClose={close} onDone={acts.reported} />;
  }
}

interface DeleteProps {
  entry: MessageEntry;
  onClose(): void;
  onDelete(): void;
}

function Delete({ entry, onClose, onDelete }: DeleteProps) {
  return (
    <Dialog title="Delete this message?" onClose={onClose}>
      <blockquote class="excerpt">
        <strong>
          <Name of={entry} />
        </strong>
        <p dir="auto">
          <Excerpt text={entry.body} />
        </p>
      </blockquote>
      <p>Its text is erased for everybody, and cannot be brought back.</p>
      <div class="form-actions">
        <button type="button" class="button" onClick={onClose}>
          Keep
        </button>
        <button type="button" class="button danger" onClick={onDelete}>
          Delete
        </button>
      </div>
    </Dialog>
  );
}

interface MessageDialogProps {
  room: Room;
  entry: MessageEntry;
  onClose(): void;
}

function Edits({ room, entry, onClose }: MessageDialogProps) {
  const { messages } = useSession();
  const { seq, edited_at } = entry;
  const { value, failed, again } = useLoaded(() => messages.texts(room.id, seq), edited_at);
  return (
    <Dialog title="Edits" onClose={onClose}>
      {failed && <LoadFailure error="The edits cannot be loaded." onAgain={again} />}
      {!value && !failed && <p role="status">Loading…</p>}
      <ol class="edits">
        {value?.map(({ seq, at, body }, index) => (
          <li key={seq}>
            <p class="edits-when">
              {index === 0 ? 'Written' : 'Edited'} <time dateTime={at}>{mediumTime(at)}</time>
            </p>
            <Body text={body} />
          </li>
        ))}
      </ol>
    </Dialog>
  );
}

function Reactors({ room, entry, onClose }: MessageDialogProps) {
  const { messages } = useSession();
  const { reactions, seq } = entry;
  const [chosen, setChosen] = useState(reactions[0]?.emoji ?? '');
  const reaction = reactions.find(({ emoji }) => emoji === chosen) ?? reactions[0];
  const { emoji = '', count = 0 } = reaction ?? {};
  const { value, failed, again } = useLoaded(
    () => messages.reactors(room.id, seq, emoji),
    `${emoji} ${count}`,
  );
  const rest = count - (value?.items.length ?? 0);
  return (
    <Dialog title="Who reacted" onClose={onClose}>
      <div class="reactors-emojis">
        {reactions.map((one) => (
          <button
            key={one.emoji}
            type="button"
            class={one.emoji === emoji ? 'reaction mine' : 'reaction'}
            aria-pressed={one.emoji === emoji}
            onClick={() => setChosen(one.emoji)}
          >
            {one.emoji} <span class="reaction-count">{one.count}</span>
          </button>
        ))}
      </div>
      {failed && <LoadFailure error="Who reacted cannot be loaded." onAgain={again} />}
      {!value && !failed && <p role="status">Loading…</p>}
      <ul class="reactors">
        {value?.items.map((user) => (
          <li key={user.user_id}>
            <Name of={user} /> <Username of={user} />
          </li>
        ))}
        {value && rest > 0 && <li>and {rest} more</li>}
      </ul>
    </Dialog>
  );
}
