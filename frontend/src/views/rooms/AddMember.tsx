import { useState } from 'preact/hooks';
import { Problem } from 'tailwire-client/wire/problem';
import { LOBBY, type Room } from 'tailwire-client/wire/protocol';
import { mayInvite, rolesToGive } from '../../rooms/governing';
import { userNamed } from '../../rooms/people';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { InvitePeople } from './InvitePeople';
import { InviteToServer } from './InviteToServer';
import { RoleChoice, roleIn } from './Role';
import { UsernameField, usernameIn } from './UsernameField';

export function AddMember({ room, onClose }: { room: Room; onClose(): void }) {
  const { features, members, users } = useSession();
  const [invites, setInvites] = useState(false);
  const roles = rolesToGive(room);
  const known = new Set(members.of(room.id)?.members.map(({ user_id }) => user_id));
  const form = useForm({
    names: ['username', 'role'],
    check: ({ username }) => wrongIf(!usernameIn(username), 'username', 'Enter a username.'),
    send: async ({ username, role }) => {
      const { id } = await userNamed(users, usernameIn(username));
      await members.setRole(room.id, id, roleIn(roles, role)).catch(explained);
      onClose();
    },
  });
  if (invites) return <InvitePeople room={room} onClose={onClose} />;
  return (
    <Dialog title="Add someone" onClose={onClose}>
      <FormCard
        form={form}
        send="Add to room"
        sending="Adding…"
        buttons={
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
        }
      >
        <UsernameField form={form} isMeant={({ id }) => !known.has(id)} />
        <RoleChoice {...form.field('role')} roles={roles} initial="member" />
      </FormCard>
      {room.id === LOBBY ? (
        <InviteToServer onGo={onClose} />
      ) : (
        mayInvite(room, features.value) && (
          <p class="form-note">
            They have no account here?{' '}
            <button type="button" class="link-button" onClick={() => setInvites(true)}>
              Invite them by a link
            </button>
          </p>
        )
      )}
    </Dialog>
  );
}

/** Whoever adds somebody is not banned, so another is meant. */
function explained(reason: unknown): never {
  if (!(reason instanceof Problem) || reason.code !== 'banned') throw reason;
  const message = 'They are banned from this room. End the ban first.';
  throw new Problem({ status: 409, code: 'banned', errors: [{ loc: 'username', message }] });
}
