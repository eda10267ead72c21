import { useEffect, useRef, useState } from 'preact/hooks';
import { Choices } from '../parts/Choices';
import { useAdmin } from '../parts/context';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { InviteItem } from '../parts/InviteItem';
import { InviteLink } from '../parts/InviteLink';
import { DAY_SECONDS, INVITE_DAYS, INVITE_USES } from '../parts/invite_terms';
import { LoadFailure } from '../parts/LoadFailure';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { Segments } from '../parts/Segments';
import { useWork } from '../parts/work';

const RIGHTS = [
  { value: 'user', title: 'Member', detail: 'Joins the lobby, and makes and joins rooms.' },
  {
    value: 'admin',
    title: 'Administrator',
    detail: 'Also invites people, and administers all accounts.',
  },
];

/** The page on which administrators make, list and end invites to the server. */
export function Invitations() {
  const { invites } = useAdmin();
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
    <>
      {link === null ? (
        <NewInvitation onMade={setLink} />
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
            becomes={invite.admin ? 'administrator' : null}
            busy={busy}
            onEnd={() => void end(invite.invite_id)}
          />
        ))}
      </ul>
      <ErrorLine text={error} />
      <DoneLine text={done} />
    </>
  );
}

function NewInvitation({ onMade }: { onMade(link: string): void }) {
  const { invites } = useAdmin();
  const form = useForm({
    names: ['uses', 'days', 'rights'],
    send: async ({ uses, days, rights }) => {
      const expires_in = Number(days) * DAY_SECONDS;
      onMade(await invites.make({ max_uses: Number(uses), expires_in, admin: rights === 'admin' }));
    },
  });
  return (
    <FormCard form={form} send="Make a link" sending="Making…">
      <p class="form-note">Whoever has the link can make an account on this server.</p>
      <Segments legend="How many people" name="uses" options={INVITE_USES} initial="1" />
      <Segments legend="How long" name="days" options={INVITE_DAYS} initial="7" />
      <Choices legend="They become" options={RIGHTS} {...form.field('rights')} initial="user" />
    </FormCard>
  );
}
