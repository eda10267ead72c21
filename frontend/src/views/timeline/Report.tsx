import type { MessageEntry } from 'tailwire-client/rooms/timeline';
import { REASON_CHARACTERS } from 'tailwire-client/wire/limits';
import type { Room } from 'tailwire-client/wire/protocol';
import { cleaned, isBlank } from '../../browser/text';
import { Dialog } from '../parts/Dialog';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { useModeration } from '../parts/moderation';
import { Name } from '../parts/Name';
import { TextField } from '../parts/TextField';
import { Excerpt } from './Excerpt';

interface ReportProps {
  room: Room;
  entry: MessageEntry;
  onClose(): void;
  /** It is reported. */
  onDone(): void;
}

/** Tells the administrators of a message. */
export function Report({ room, entry, onClose, onDone }: ReportProps) {
  const moderation = useModeration();
  const { epoch } = room;
  const form = useForm({
    names: ['reason'],
    limits: { reason: REASON_CHARACTERS },
    check: ({ reason }) => wrongIf(isBlank(reason), 'reason', 'Say what is wrong with it.'),
    send: async ({ reason }) => {
      await moderation.report(room.id, { epoch, seq: entry.seq }, cleaned(reason));
      onDone();
    },
  });
  return (
    <Dialog title="Report this message" onClose={onClose}>
      <blockquote class="excerpt">
        <strong>
          <Name of={entry} />
        </strong>
        <p dir="auto">
          <Excerpt text={entry.body} />
        </p>
      </blockquote>
      <FormCard
        form={form}
        send="Report"
        sending="Reporting…"
        danger
        buttons={
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
        }
      >
        <p>The administrators of this server see the message and your name. Nobody else does.</p>
        <TextField label="What is wrong with it?" {...form.field('reason')} />
      </FormCard>
    </Dialog>
  );
}
