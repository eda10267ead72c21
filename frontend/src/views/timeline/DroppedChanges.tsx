import type { ChangeCommand } from 'tailwire-client/wire/commands';
import type { Room } from 'tailwire-client/wire/protocol';
import { copyText } from '../../browser/clipboard';
import { useSession } from '../parts/context';
import { Icon } from '../parts/Icon';

const TEXTS: Record<ChangeCommand['type'], string> = {
  edit: 'Your edit was not saved.',
  delete: 'A message was not deleted.',
  react: 'Your reaction was not added.',
  unreact: 'Your reaction was not taken back.',
  pin: 'A message was not pinned.',
  unpin: 'A message was not unpinned.',
  remove_previews: 'The previews of a message are still there.',
};

/** Says which changes of the room's messages were refused for good. The text of an edit can be copied. */
export function DroppedChanges({ room }: { room: Room }) {
  const { outbox } = useSession();
  const dropped = outbox.dropped.value.filter(({ command }) => command.room_id === room.id);
  return (
    <div role="alert" class="dropped">
      {dropped.map(({ command, error }) => (
        <div class="dropped-change" key={command.ref}>
          <Icon name="warning" size={16} />
          <p>
            {TEXTS[command.type]} {error}
            {command.type === 'edit' && (
              <span class="dropped-text" dir="auto">
                {command.body}
              </span>
            )}
          </p>
          {command.type === 'edit' && (
            <button type="button" class="link-button" onClick={() => void copyText(command.body)}>
              Copy text
            </button>
          )}
          <button type="button" class="link-button" onClick={() => outbox.told(command.ref)}>
            Dismiss
          </button>
        </div>
      ))}
    </div>
  );
}
