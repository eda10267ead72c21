import { useSession } from '../parts/context';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import type { PersonProps } from './PersonDialog';

/** Asks whether the user wants to hear nothing more of somebody. */
export function BlockPerson({ profile, onBack, onClose }: PersonProps) {
  const { blocks } = useSession();
  const form = useForm({
    names: [],
    send: async () => {
      await blocks.set(profile.id, true);
      onClose();
    },
  });
  return (
    <FormCard
      form={form}
      send="Block"
      sending="Blocking…"
      danger
      buttons={
        <button type="button" class="button" onClick={onBack}>
          Back
        </button>
      }
    >
      <p>
        They cannot write to you directly, mention you or invite you. What they write elsewhere is
        hidden until you want to see it. They are not told. You can undo it in the settings of your
        account.
      </p>
    </FormCard>
  );
}
