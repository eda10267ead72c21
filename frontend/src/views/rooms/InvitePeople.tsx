import { useEffect, useRef, useState } from 'preact/hooks';
import { rolesToGive } from '../../rooms/governing';
import { RoomInvites } from '../../rooms/room_invites';
import type { Room } from '../../wire/protocol';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { InviteItem } from '../parts/InviteItem';
import { InviteLink } from '../parts/InviteLink';
import { DAY_SECONDS, INVITE_DAYS, INVITE_USES } from '../parts/invite_terms';
import { LoadFailure } from '../parts/LoadFailure';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { Segments } from '../parts/Segments';
import { useWork } from '../parts/work';
import { ROLE, RoleChoice, roleIn } from './Role';

/** Makes links that lead into a room, lists them, and ends them. */
export function InvitePeople({ room, onClose }: { room: Room; onClose(): void }) {
  const { requests } = useSession();
  const [invites] = useState(
    () => new RoomInvites(requests, room.id, window.location.href.split('#')[0] ?? ''),
  );
  const [link, setLink] = useState<string | null>(null);
  const { busy, error, done, run } = useWork();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => void invites.load(), [invites]);

  const end = async (id: string) => {
    const said = 'The invitation is ended. Its link lets nobody else in.';
    // The pressed button is gone, so the focus goes to the list.
    if (await run(() => invites.end(id), said)) list.current?.focus();
  };

  const items = invites.items.value;
  const state = invites.state.value;
  return (
    <Dialog title={`Invite people to ${room.name}`} onClose={onClose}>
      {link === null ? (
        <NewInvite room={room} invites={invites} onMade={setLink} />
      ) : (
        <InviteLink key={link} link={link} onAnother={() => setLink(null)} />
      )}
      <h3 class="invites-heading">Invitations so far</h3>
      {state === 'loading' && items.length === 0 && <p role="status">Loading…</p>}
      {state === 'failed' && (
        <LoadFailure error={invites.error.value} onAgain={() => void invites.load()} />
      )}
      {state === 'loaded' && items.length === 0 && <p class="form-note">There are none.</p>}
      <ul class="logins" ref={list} tabIndex={-1} aria-label="Invitations so far">
        {items.map((invite) => (
          <InviteItem
            key={invite.invite_id}
            invite={invite}
            becomes={invite.role === 'member' ? null : ROLE[invite.role].title}
            busy={busy}
            onEnd={() => void end(invite.invite_id)}
          />
        ))}
      </ul>
      {invites.hasMore.value && (
        <button type="button" class="button" onClick={() => void invites.more()}>
          Show older ones
        </button>
      )}
      <ErrorLine text={error} />
      <DoneLine text={done} />
    </Dialog>
  );
}

interface NewInviteProps {
  room: Room;
  invites: RoomInvites;
  onMade(link: string): void;
}

function NewInvite({ room, invites, onMade }: NewInviteProps) {
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
