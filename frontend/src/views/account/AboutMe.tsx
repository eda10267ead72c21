import { STATUS_CHARACTERS } from 'tailwire-client/wire/limits';
import type { Profile } from 'tailwire-client/wire/protocol';
import { nameIn } from '../../browser/text';
import { ownZone, timeIn } from '../../browser/zone';
import { useAccount, useApp } from '../parts/context';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { LoadFailure } from '../parts/LoadFailure';
import { useLoaded } from '../parts/loaded';
import { SelectField } from '../parts/SelectField';

/** What others see on the card about the user. */
export function AboutMe({ onSaved }: { onSaved(said: string): void }) {
  const { profile } = useAccount();
  const { value, failed, again } = useLoaded(() => profile.load(), profile);
  if (failed) return <LoadFailure error="This cannot be loaded." onAgain={again} />;
  return value ? <AboutForm profile={value} onSaved={onSaved} /> : <p role="status">Loading…</p>;
}

interface AboutFormProps {
  profile: Profile;
  onSaved(said: string): void;
}

function AboutForm({ profile: { status_text, time_zone }, onSaved }: AboutFormProps) {
  const { now } = useApp();
  const { profile } = useAccount();
  const zones = [...new Set([time_zone, ownZone()])].filter((zone) => zone != null);
  const form = useForm({
    names: ['status_text', 'time_zone'],
    limits: { status_text: STATUS_CHARACTERS },
    send: async (fields) => {
      const zone = zones.find((one) => one === fields.time_zone) ?? null;
      await profile.save({ status_text: nameIn(fields.status_text), time_zone: zone });
      onSaved('What others see of you is saved.');
    },
  });
  return (
    <FormCard form={form} send="Save" sending="Saving…">
      <Field
        label="Status"
        {...form.field('status_text')}
        initial={status_text ?? ''}
        hint="Such as “On holiday until Monday”. It is on the card that opens with your name."
        optional
      />
      <SelectField
        label="Local time"
        {...form.field('time_zone')}
        hint="Others see what time it is where you are."
        initial={time_zone ?? ''}
        options={[
          { value: '', title: 'Not shown' },
          ...zones.map((zone) => ({
            value: zone,
            title: `${zone}, ${timeIn(zone, now.minute.value) ?? ''}`,
          })),
        ]}
      />
    </FormCard>
  );
}
