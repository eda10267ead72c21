import type { ComponentChildren } from 'preact';
import { nameIn } from '../../browser/text';
import { Field } from './Field';
import { FormCard } from './FormCard';
import { useForm, wrongIf } from './form';

interface ByNameProps {
  /** The name that is to be typed. */
  name: string;
  send: string;
  sending: string;
  danger?: boolean;
  onBack(): void;
  onSend(): Promise<void>;
  /** What will happen. */
  children: ComponentChildren;
}

/** Asks whether the user is sure of what cannot be taken back: the name of the room has to be typed. */
export function ByName(props: ByNameProps) {
  const { name, send, sending, danger = false, onBack, onSend, children } = props;
  const form = useForm({
    names: ['name'],
    check: (fields) =>
      wrongIf(same(fields.name) !== same(name), 'name', 'This is not the name of the room.'),
    send: onSend,
  });
  return (
    <FormCard
      form={form}
      send={send}
      sending={sending}
      danger={danger}
      buttons={
        <button type="button" class="button" onClick={onBack}>
          Cancel
        </button>
      }
    >
      {children}
      <p>
        To go on, type its name: <strong class="by-name">{name}</strong>
      </p>
      <Field label="Name of the room" {...form.field('name')} plain />
    </FormCard>
  );
}

/** A name as it is compared: keyboards write the same letters in several ways. */
function same(name: string): string {
  return nameIn(name).normalize('NFKC').replace(/\s+/g, ' ').toLowerCase();
}
