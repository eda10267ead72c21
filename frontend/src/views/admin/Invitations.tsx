import { useEffect, useRef, useState } from 'preact/hooks';
import { copyField } from '../../browser/clipboard';
import { mediumTime } from '../../browser/time';
import type { Invite } from '../../wire/protocol';
import { Choices } from '../parts/Choices';
import { useAdmin } from '../parts/context';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { LoadFailure } from '../parts/LoadFailure';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { Segments } from '../parts/Segments';
import { useWork } from '../parts/work';

const DAY_SECONDS = 86_400;
const USES = ['1', '5', '25', '100'].map((value) => ({ value, label: value }));
const DAYS = [
  { value: '1', label: '1 day' },
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
];
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
        <MadeInvitation key={link} link={link} onAnother={() => setLink(null)} />
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
      <Segments legend="How many people" name="uses" options={USES} initial="1" />
      <Segments legend="How long" name="days" options={DAYS} initial="7" />
      <Choices legend="They become" options={RIGHTS} {...form.field('rights')} initial="user" />
    </FormCard>
  );
}

function MadeInvitation({ link, onAnother }: { link: string; onAnother(): void }) {
  const [copied, setCopied] = useState<boolean | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  return (
    <div class="form">
      <div class="field">
        <label for="invite-link">Give this link away</label>
        <input
          id="invite-link"
          ref={field}
          value={link}
          readOnly
          aria-describedby="invite-link-hint"
        />
        <p class="field-hint" id="invite-link-hint">
          It is shown only now. The server keeps nothing from which it could be made again.
        </p>
      </div>
      <div role="status" class="form-alert">
        {copied === true && <p class="callout good">The link is copied.</p>}
        {copied === false && (
          <p class="callout">The browser does not let this page copy. Copy the link yourself.</p>
        )}
      </div>
      <div class="form-actions">
        <button type="button" class="button" onClick={onAnother}>
          Make another
        </button>
        <button
          type="button"
          class="button primary"
          onClick={async () => {
            if (field.current) setCopied(await copyField(field.current));
          }}
        >
          Copy link
        </button>
      </div>
    </div>
  );
}

interface InviteItemProps {
  invite: Invite;
  /** Another invitation is being ended. */
  busy: boolean;
  onEnd(): void;
}

function InviteItem({ invite, busy, onEnd }: InviteItemProps) {
  const { max_uses, uses_left, created_at, expires_at } = invite;
  const isOver = expires_at !== null && Date.parse(expires_at) <= Date.now();
  const state = isOver
    ? 'Expired'
    : uses_left === 0
      ? 'Used up'
      : `${uses_left} of ${max_uses} left${expires_at ? `, until ${mediumTime(expires_at)}` : ''}`;
  return (
    <li class="login">
      <div class="login-text">
        <p class="login-name">
          {max_uses === 1 ? 'For one person' : `For ${max_uses} people`}{' '}
          {invite.admin && <span class="role">administrator</span>}
        </p>
        <p class="login-detail">
          {state}. Made {mediumTime(created_at)}
        </p>
      </div>
      <button
        type="button"
        class="button small"
        aria-label={`End the invitation made ${mediumTime(created_at)}`}
        disabled={busy}
        onClick={onEnd}
      >
        End
      </button>
    </li>
  );
}
