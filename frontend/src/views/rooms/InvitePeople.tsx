import { useState } from 'preact/hooks';
import type { Room } from 'tailwire-client/wire/protocol';
import { rolesToGive } from '../../rooms/governing';
import { invitesTo, type RoomInvites } from '../../rooms/room_invites';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { InviteLink } from '../parts/InviteLink';
import { InviteList } from '../parts/InviteList';
import { DAY_SECONDS, INVITE_DAYS, INVITE_USES } from '../parts/invite_terms';
import { Segments } from '../parts/Segments';
import { ROLE, RoleChoice, roleIn } from './Role';

/** Makes links that lead into a room, lists them, and ends them. */
export function InvitePeople({ room, onClose }: { room: Room; onClose(): void }) {
  const { requests } = useSession();
  const [invites] = useState(() =>
    invitesTo(requests, room.id, window.location.href.split('#')[0] ?? ''),
  );
  const [link, setLink] = useState<string | null>(null);
  return (
    <Dialog title={`Invite people to ${room.name}`} onClose={onClose}>
      {link === null ? (
        <MakeInvite room={room} invites={invites} onMade={setLink} />
      ) : (
        <InviteLink key={link} link={link} onAnother={() => setLink(null)} />
      )}
      <InviteList
        invites={invites}
        becomes={({ role }) => (role === 'member' ? null : ROLE[role].title)}
      />
    </Dialog>
  );
}

interface MakeInviteProps {
  room: Room;
  invites: RoomInvites;
  onMade(link: string): void;
}

function MakeInvite({ room, invites, onMade }: MakeInviteProps) {
  const roles = rolesToGive(room).filter((role) => role !== 'owner');
  const form = useForm({
    names: ['uses', 'days', 'role'],
    send: async ({ uses, days, role }) => {
      const expires_in = Number(days) * DAY_SECONDS;
      onMade(await invites.make({ max_uses: Number(uses), expires_in, role: roleIn(roles, role) }));
    },
  });
  return (
    <FormCard form={form} send="Make a link" sending="Making…">
      <p class="form-note">
        Whoever has the link can join this room, and make an account for that unless the server is
        closed.
      </p>
      <Segments legend="How many people" name="uses" options={INVITE_USES} initial="1" />
      <Segments legend="How long" name="days" options={INVITE_DAYS} initial="7" />
      <RoleChoice {...form.field('role')} roles={roles} initial="member" />
    </FormCard>
  );
}
