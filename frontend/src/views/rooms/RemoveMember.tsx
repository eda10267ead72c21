import { useSession } from '../parts/context';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import type { PersonProps } from './PersonDialog';

/** Asks whether a member is to be removed. */
export function RemoveMember({ room, profile, onBack, onClose }: PersonProps) {
  const { members } = useSession();
  const form = useForm({
    names: [],
    send: async () => {
      await members.remove(room.id, profile.id);
      onClose();
    },
  });
  return (
    <FormCard
      form={form}
      send="Remove from room"
      sending="Removing…"
      danger
      buttons={
        <button type="button" class="button" onClick={onBack}>
          Back
        </button>
      }
    >
      <p>
        {room.visibility === 'private'
          ? 'They see nothing more of this room until somebody adds them again.'
          : 'They can join this room again, as everyone can.'}
      </p>
    </FormCard>
  );
}
