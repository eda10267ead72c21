import { nameIn } from '../../browser/text';
import { REASON_CHARACTERS } from '../../wire/limits';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { useModeration } from '../parts/moderation';
import type { PersonProps } from './PersonDialog';

/** Asks whether somebody is to be banned, and why. */
export function BanPerson({ room, profile, member, onBack, onClose }: PersonProps) {
  const moderation = useModeration();
  const form = useForm({
    names: ['reason'],
    limits: { reason: REASON_CHARACTERS },
    send: async ({ reason }) => {
      await moderation.ban(room.id, profile.id, nameIn(reason));
      onClose();
    },
  });
  return (
    <FormCard
      form={form}
      send="Ban from room"
      sending="Banning…"
      danger
      buttons={
        <button type="button" class="button" onClick={onBack}>
          Back
        </button>
      }
    >
      <p>
        {member && 'They leave the room at once. '}
        Nobody can add or invite them, and they cannot join, until an owner or a moderator lets them
        come back. What they wrote stays.
      </p>
      <Field
        label="Reason"
        {...form.field('reason')}
        hint="Owners and moderators of the room see it."
        optional
      />
    </FormCard>
  );
}
