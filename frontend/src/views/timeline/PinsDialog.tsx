import { useState } from 'preact/hooks';
import type { Message, Room } from 'tailwire-client/wire/protocol';
import { mediumTime } from '../../browser/time';
import { abilitiesIn } from '../../rooms/actions';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { FarName } from '../parts/FarName';
import { LoadFailure } from '../parts/LoadFailure';
import { useLoaded } from '../parts/loaded';
import { Body } from './Body';
import { Veiled } from './Veiled';

interface PinsDialogProps {
  room: Room;
  onClose(): void;
  onJump(seq: number): void;
}

/** The pinned messages of a room, the one that was pinned last first. */
export function PinsDialog({ room, onClose, onJump }: PinsDialogProps) {
  const session = useSession();
  const { value, failed, again } = useLoaded(() => session.messages.pins(room.id), room.epoch);
  const [unpinned, setUnpinned] = useState<readonly number[]>([]);
  const { pin } = abilitiesIn(room, session.features.value);
  const pins = value?.filter(({ seq }) => !unpinned.includes(seq));
  const unpin = ({ seq }: Message) => {
    session.change(room.id, seq, { type: 'unpin' });
    setUnpinned([...unpinned, seq]);
  };
  return (
    <Dialog title="Pinned messages" onClose={onClose}>
      {failed && <LoadFailure error="The pinned messages cannot be loaded." onAgain={again} />}
      {!value && !failed && <p role="status">Loading…</p>}
      {pins?.length === 0 && (
        <p>
          Nothing is pinned here.
          {pin && ' Pin a message by its menu, so that everybody finds it here.'}
        </p>
      )}
      <ul class="pins">
        {pins?.map((message) => (
          <li key={message.seq}>
            <p class="pins-head">
              <strong>
                <FarName of={message} room_id={message.room_id} />
              </strong>{' '}
              <time dateTime={message.at}>{mediumTime(message.at)}</time>
            </p>
            <Veiled user_id={message.user_id}>
              <Body text={message.body} />
            </Veiled>
            <p class="pins-actions">
              <button type="button" class="link-button" onClick={() => onJump(message.seq)}>
                Show in the room
              </button>
              {pin && (
                <button type="button" class="link-button" onClick={() => unpin(message)}>
                  Unpin
                </button>
              )}
            </p>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
