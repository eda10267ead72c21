import { useState } from 'preact/hooks';
import type { MessageEntry } from 'tailwire-client/rooms/timeline';
import type { Room } from 'tailwire-client/wire/protocol';
import { messageHash } from '../../browser/router';
import { forwardOf, roomsToForward } from '../../rooms/forwards';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { RoomPicker } from '../parts/RoomPicker';
import { Body } from './Body';

interface ForwardProps {
  room: Room;
  entry: MessageEntry;
  onClose(): void;
  onForward(to: Room, body: string): void;
}

/** Quotes a message in another room: first which room, then what will be sent there. */
export function Forward({ room, entry, onClose, onForward }: ForwardProps) {
  const { bodyLimit, names, rooms, titles } = useSession();
  const [to, setTo] = useState<Room | null>(null);
  const choices = roomsToForward(rooms.sorted.value, room.id);
  if (!to)
    return (
      <Dialog title="Forward to a room" onClose={onClose}>
        {choices.length === 0 ? (
          <p>There is no other room in which you may write.</p>
        ) : (
          <RoomPicker rooms={choices} hint="Enter chooses it." onPick={setTo} />
        )}
      </Dialog>
    );
  const link = new URL(messageHash(room.id, entry.seq), window.location.href).href;
  const from = titles.of(room);
  const parts = { body: entry.body, author: names.of(entry), room: from, link };
  const body = forwardOf(parts, bodyLimit.value);
  return (
    <Dialog title={`Forward to ${titles.of(to)}`} onClose={onClose} onBack={() => setTo(null)}>
      <section
        class="forward-text"
        aria-label="What is sent"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a long one scrolls, so the keyboard must reach it
        tabIndex={0}
      >
        <Body text={body} />
      </section>
      <p>
        {room.visibility === 'private'
          ? `${from} is private. Who is not in it reads this text, but cannot open the message itself.`
          : `Who is in ${from}, or joins it, can open the message by the link.`}
      </p>
      <form
        class="form-actions"
        onSubmit={(event) => {
          event.preventDefault();
          onForward(to, body);
        }}
      >
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" class="button primary">
          Forward
        </button>
      </form>
    </Dialog>
  );
}
