import { useState } from 'preact/hooks';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import { nameIn } from '../../browser/text';
import { People } from '../../rooms/people';
import { useSession } from '../parts/context';
import { Field } from '../parts/Field';
import type { FormState } from '../parts/form';

interface UsernameFieldProps {
  form: FormState;
  /** Whether somebody is suggested. */
  isMeant(user: PublicUser): boolean;
}

/** Asks for the username of anybody on the server, and suggests those who have what is typed in their names. */
export function UsernameField({ form, isMeant }: UsernameFieldProps) {
  const { clock, users } = useSession();
  const [people] = useState(() => new People(users, clock));
  const suggested = people.found.value.filter(isMeant);
  return (
    <Field
      label="Username"
      {...form.field('username')}
      onInput={(text) => people.look(usernameIn(text))}
      hint="As they log in with it. Two letters of a name are enough for suggestions."
      suggestions={suggested.map(({ username, display_name }) => ({
        value: username,
        label: display_name,
      }))}
      plain
    />
  );
}

/** A username as it was typed, maybe with a sign before it. */
export function usernameIn(text: string): string {
  return nameIn(text).replace(/^@/, '');
}
