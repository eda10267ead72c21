import { useState } from 'preact/hooks';
import { fieldOf, type OfferedKind, offeredKinds } from '../../rooms/webhook_kinds';
import { Checks } from '../parts/Checks';
import { Choices } from '../parts/Choices';
import type { Fields, FormState } from '../parts/form';
import { wrongIf } from '../parts/form';

const WHAT = [
  { value: 'all', title: 'Everything', detail: 'Also kinds that come with later versions.' },
  { value: 'some', title: 'Only some kinds', detail: 'You choose them below.' },
] as const;

interface WebhookKindsProps {
  form: FormState;
  /** What is chosen at first; null for everything. */
  kinds: readonly string[] | null;
}

/** The fields of a form in which is chosen what a webhook is sent. */
export function WebhookKinds({ form, kinds }: WebhookKindsProps) {
  const [isSome, setSome] = useState(kinds !== null);
  const offered = offeredKinds(kinds);
  return (
    <>
      <Choices
        legend="What is posted"
        initial={kinds === null ? 'all' : 'some'}
        options={WHAT}
        onChoose={(value) => setSome(value === 'some')}
        {...form.field('what')}
      />
      {isSome && (
        <Checks
          legend="Kinds"
          error={form.field(firstOf(offered)).error}
          initial={kinds === null ? [fieldOf('message')] : kinds.map(fieldOf)}
          options={offered}
        />
      )}
    </>
  );
}

/** The names of the fields, for `useForm`. */
export function kindFields(kinds: readonly string[] | null): string[] {
  return ['what', ...offeredKinds(kinds).map(({ name }) => name)];
}

/** What is chosen; null for everything. */
export function chosenKinds(
  fields: Fields<string>,
  kinds: readonly string[] | null,
): string[] | null {
  if (fields.what !== 'some') return null;
  return offeredKinds(kinds)
    .filter(({ name }) => fields[name])
    .map(({ kind }) => kind);
}

/** A row for `check`. */
export function wrongKinds(fields: Fields<string>, kinds: readonly string[] | null) {
  const isNone = chosenKinds(fields, kinds)?.length === 0;
  return wrongIf(isNone, firstOf(offeredKinds(kinds)), 'Choose at least one kind.');
}

function firstOf(offered: readonly OfferedKind[]): string {
  return offered[0]?.name ?? '';
}
