import { ROOM_NAME_CHARACTERS, TOPIC_CHARACTERS } from 'tailwire-client/wire/limits';
import { roomHash } from '../../browser/router';
import { nameIn } from '../../browser/text';
import { Choices } from '../parts/Choices';
import { useApp, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';

const VISIBILITIES = [
  { value: 'public', title: 'Public', detail: 'Everyone on this server can find and join it.' },
  { value: 'private', title: 'Private', detail: 'Only those who are invited.' },
] as const;

export function CreateRoom({ onClose }: { onClose(): void }) {
  const { membership } = useSession();
  const { router } = useApp();
  const form = useForm({
    names: ['name', 'topic', 'visibility'],
    limits: { name: ROOM_NAME_CHARACTERS, topic: TOPIC_CHARACTERS },
    check: ({ name }) => wrongIf(!nameIn(name), 'name', 'Give the room a name.'),
    send: async ({ name, topic, visibility }) => {
      const room = await membership.create(
        nameIn(name),
        visibility === 'private' ? 'private' : 'public',
        nameIn(topic),
      );
      onClose();
      router.go(roomHash(room.id));
    },
  });
  return (
    <Dialog title="Create a room" onClose={onClose}>
      <FormCard
        form={form}
        send="Create room"
        sending="Creating…"
        buttons={
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
        }
      >
        <Field label="Name" {...form.field('name')} />
        <Field
          label="Topic"
          {...form.field('topic')}
          hint="One line about what belongs here."
          optional
        />
        <Choices
          legend="Who can join"
          {...form.field('visibility')}
          initial="public"
          options={VISIBILITIES}
        />
      </FormCard>
    </Dialog>
  );
}
