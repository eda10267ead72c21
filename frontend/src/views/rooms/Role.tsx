import type { Role } from 'tailwire-client/wire/protocol';
import { Choices } from '../parts/Choices';

export const ROLE: Record<Role, { title: string; detail: string }> = {
  owner: { title: 'Owner', detail: 'Does everything, and gives every role.' },
  moderator: { title: 'Moderator', detail: 'Adds and removes members and readers.' },
  member: { title: 'Member', detail: 'Reads and writes.' },
  reader: { title: 'Reader', detail: 'Reads along.' },
};

interface RoleChoiceProps {
  name: string;
  error?: string | undefined;
  roles: readonly Role[];
  initial: Role;
}

/** A field of a form in which a role is chosen. */
export function RoleChoice({ roles, ...field }: RoleChoiceProps) {
  const options = roles.map((value) => ({ value, ...ROLE[value] }));
  return <Choices legend="Role" options={options} {...field} />;
}

/** The role that a field of `RoleChoice` holds. */
export function roleIn(roles: readonly Role[], value: string): Role {
  const role = roles.find((one) => one === value);
  if (!role) throw new Error('no role is chosen');
  return role;
}
