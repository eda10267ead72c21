import { useState } from 'preact/hooks';
import { Choices } from '../parts/Choices';
import { useAdmin } from '../parts/context';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { InviteLink } from '../parts/InviteLink';
import { InviteList } from '../parts/InviteList';
import { DAY_SECONDS, INVITE_DAYS, INVITE_USES } from '../parts/invite_terms';
import { Segments } from '../parts/Segments';

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
  return (
    <>
      {link === null ? (
        <NewInvitation onMade={setLink} />
      ) : (
        <InviteLink key={link} link={link} onAnother={() => setLink(null)} />
      )}
      <InviteList invites={invites} becomes={({ admin }) => (admin ? 'administrator' : null)} />
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
