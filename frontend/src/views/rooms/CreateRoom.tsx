import { useState } from 'preact/hooks';
import { roomHash } from '../../browser/router';
import type { Visibility } from '../../wire/protocol';
import { useApp, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';

export function CreateRoom({ onClose }: { onClose(): void }) {
  const { membership } = useSession();
  const { router } = useApp();
  const [name, setName] = useState('');
  const [topic, setTopic] = useState('');
  const [visibility, setVisibility] = useState<Visibility>('public');
  const form = useForm({
    names: ['name', 'topic'],
    check: () => (name.trim() ? [] : [{ loc: 'name', message: 'Give the room a name.' }]),
    send: async () => {
      const room = await membership.create(name.trim(), visibility, topic.trim());
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
        <Field label="Name" {...form.field('name')} value={name} onInput={setName} />
        <Field
          label="Topic"
          {...form.field('topic')}
          value={topic}
          onInput={setTopic}
          hint="One line about what belongs here."
          optional
        />
        <fieldset class="choices">
          <legend>Who can join</legend>
          <Choice
            value="public"
            chosen={visibility}
            onChoose={setVisibility}
            title="Public"
            detail="Everyone on this server can find and join it."
          />
          <Choice
            value="private"
            chosen={visibility}
            onChoose={setVisibility}
            title="Private"
            detail="Only those who are invited."
          />
        </fieldset>
      </FormCard>
    </Dialog>
  );
}

interface ChoiceProps {
  value: Visibility;
  chosen: Visibility;
  onChoose(value: Visibility): void;
  title: string;
  detail: string;
}

function Choice({ value, chosen, onChoose, title, detail }: ChoiceProps) {
  return (
    <label class="choice">
      <input
        type="radio"
        name="visibility"
        value={value}
        checked={chosen === value}
        onChange={() => onChoose(value)}
      />
      <span>
        <span class="choice-title">{title}</span>
        <span class="choice-detail">{detail}</span>
      </span>
    </label>
  );
}
