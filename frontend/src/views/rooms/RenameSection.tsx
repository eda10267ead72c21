import { nameIn } from '../../browser/text';
import { Places, SECTION_CHARACTERS } from '../../rooms/places';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';

/** Gives a section of the room list another name. */
export function RenameSection({ section, onClose }: { section: string; onClose(): void }) {
  const session = useSession();
  const form = useForm({
    names: ['section'],
    limits: { section: SECTION_CHARACTERS },
    send: async ({ section: name }) => {
      onClose();
      await new Places(session).rename(section, nameIn(name) || null);
    },
  });
  return (
    <Dialog title="Rename the section" onClose={onClose}>
      <FormCard
        form={form}
        send="Rename"
        sending="Renaming…"
        buttons={
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
        }
      >
        <Field
          label="Name"
          {...form.field('section')}
          initial={section}
          hint="Without a name its rooms are in no section. With that of another one they go there."
          optional
        />
      </FormCard>
    </Dialog>
  );
}
