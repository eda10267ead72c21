import { useMemo, useState } from 'preact/hooks';
import { beginning, type Span } from '../../rooms/deletion';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { useModeration } from '../parts/moderation';
import { DoneLine } from '../parts/Outcome';
import { SelectField } from '../parts/SelectField';
import type { PersonProps } from './PersonDialog';

const SPANS: readonly { value: Span; title: string }[] = [
  { value: 'hour', title: 'In the last hour' },
  { value: 'day', title: 'In the last day' },
  { value: 'week', title: 'In the last week' },
  { value: 'all', title: 'Ever' },
];

/** Deletes all that somebody wrote in a room, or what they wrote lately. */
export function DeleteMessages({ room, profile, onBack, onClose }: PersonProps) {
  const moderation = useModeration();
  const deletion = useMemo(() => moderation.deletion(), [moderation]);
  const [isDone, setDone] = useState(false);
  const form = useForm({
    names: ['span'],
    send: async (fields) => {
      const span = SPANS.find(({ value }) => value === fields.span)?.value ?? 'hour';
      await deletion.run(room.id, profile.id, beginning(span, new Date()));
      setDone(true);
    },
  });
  const count = deletion.count.value;
  const counted = `${count} message${count === 1 ? '' : 's'}`;
  if (isDone)
    return (
      <>
        <DoneLine text={`${counted} deleted.`} />
        <div class="form-actions">
          <button type="button" class="button" onClick={onClose}>
            Close
          </button>
        </div>
      </>
    );
  return (
    <FormCard
      form={form}
      send="Delete for everybody"
      sending={count > 0 ? `${counted} so far…` : 'Deleting…'}
      danger
      buttons={
        <button type="button" class="button" onClick={onBack}>
          Back
        </button>
      }
    >
      <p>Their messages in this room are erased for everybody, and cannot be brought back.</p>
      <SelectField label="What they wrote" name="span" initial="hour" options={SPANS} />
    </FormCard>
  );
}
