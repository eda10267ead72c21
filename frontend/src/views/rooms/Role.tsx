import type { Role } from '../../wire/protocol';

export const ROLE: Record<Role, { title: string; detail: string }> = {
  owner: { title: 'Owner', detail: 'Does everything, and gives every role.' },
  moderator: { title: 'Moderator', detail: 'Adds and removes members and readers.' },
  member: { title: 'Member', detail: 'Reads and writes.' },
  reader: { title: 'Reader', detail: 'Reads along.' },
};

interface RoleChoiceProps {
  roles: readonly Role[];
  chosen: Role;
  onChoose(role: Role): void;
}

export function RoleChoice({ roles, chosen, onChoose }: RoleChoiceProps) {
  return (
    <fieldset class="choices">
      <legend>Role</legend>
      {roles.map((role) => (
        <label class="choice" key={role}>
          <input
            type="radio"
            name="role"
            value={role}
            checked={chosen === role}
            onChange={() => onChoose(role)}
          />
          <span>
            <span class="choice-title">{ROLE[role].title}</span>
            <span class="choice-detail">{ROLE[role].detail}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
