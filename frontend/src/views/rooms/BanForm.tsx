import type { ComponentChildren } from 'preact';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import type { FormState } from '../parts/form';

interface BanFormProps {
  /** Its last field is the reason. */
  form: FormState;
  /** What it does, and who it is for. */
  children: ComponentChildren;
  onBack(): void;
}

/** The form that bans somebody from a room, whoever it is. */
export function BanForm({ form, children, onBack }: BanFormProps) {
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
      {children}
      <Field
        label="Reason"
        {...form.field('reason')}
        hint="Owners and moderators of the room see it."
        optional
      />
    </FormCard>
  );
}
