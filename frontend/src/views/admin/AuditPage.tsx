import { useEffect, useState } from 'preact/hooks';
import type { Account, AuditEvent } from 'tailwire-client/wire/api/admin';
import { EVENTS, eventName, sayingOf } from '../../admin/audit_words';
import { nameIn } from '../../browser/text';
import { fullTime, mediumTime } from '../../browser/time';
import { useAdmin } from '../parts/context';
import { Field } from '../parts/Field';
import { useForm } from '../parts/form';
import { LoadFailure } from '../parts/LoadFailure';
import { MoreButton } from '../parts/MoreButton';
import { ErrorLine } from '../parts/Outcome';
import { Select } from '../parts/Select';

const KINDS = [
  { value: '', label: 'Everything' },
  ...EVENTS.map((event) => ({ value: event, label: eventName(event) })),
];

/** The audit log: all of it, or the events of one kind, or those about one user. */
export function AuditPage({ user_id }: { user_id: string }) {
  const { api, audit } = useAdmin();
  const [kind, setKind] = useState('');
  useEffect(() => audit.choose(kind, user_id), [audit, kind, user_id]);
  const items = audit.items.value;
  const state = audit.state.value;
  return (
    <>
      <div class="admin-filters">
        <Select label="Show" initial="" options={KINDS} onChoose={setKind} />
        {user_id ? (
          <About user_id={user_id} />
        ) : (
          <FindUser find={(text) => api.accounts(text, null)} />
        )}
      </div>
      {state === 'failed' && (
        <LoadFailure error={audit.error.value} onAgain={() => void audit.load()} />
      )}
      <ol class="admin-list" aria-label="Events, the newest first" aria-busy={state === 'loading'}>
        {items.map((event, index) => (
          <EventItem key={`${event.at} ${index}`} event={event} />
        ))}
      </ol>
      <p role="status" class="browse-none admin-count">
        {state === 'loading' && items.length === 0 && 'Loading…'}
        {state === 'loaded' && items.length === 0 && 'Nothing like that happened.'}
      </p>
      <MoreButton list={audit}>Show older ones</MoreButton>
    </>
  );
}

/** Says about whom the log is, and leads back to all of it. */
function About({ user_id }: { user_id: string }) {
  const { api } = useAdmin();
  const [account, setAccount] = useState<Account | null>(null);
  useEffect(() => {
    let isWanted = true;
    api.accounts(user_id, null).then(
      ({ items }) => isWanted && setAccount(items.find(({ id }) => id === user_id) ?? null),
      () => {},
    );
    return () => {
      isWanted = false;
    };
  }, [api, user_id]);
  return (
    <p class="admin-about">
      About <bdi>{account ? `@${account.username}` : user_id}</bdi>{' '}
      <a class="button small" href="#/admin/audit">
        Show all
      </a>
    </p>
  );
}

/** Leads to what the log says about the user whose name is typed. */
function FindUser({ find }: { find(text: string): Promise<{ items: Account[] }> }) {
  const [missing, setMissing] = useState('');
  const form = useForm({
    names: ['who'],
    send: async ({ who }) => {
      const name = nameIn(who).replace(/^@/, '');
      const wanted = name.normalize('NFKC').toLowerCase();
      setMissing('');
      if (!name) return;
      const { items } = await find(name);
      const found = items.find(({ id, username }) => username === wanted || id === name);
      if (found) location.hash = `#/admin/audit/${found.id}`;
      else setMissing('No account has this name.');
    },
  });
  return (
    <form class="admin-find" onInput={form.input} onSubmit={form.submit} noValidate>
      <Field label="About a user" {...form.field('who')} plain optional />
      <button type="submit" class="button" aria-disabled={form.busy || form.waiting}>
        Show
      </button>
      <ErrorLine text={form.error || missing} />
    </form>
  );
}

function EventItem({ event }: { event: AuditEvent }) {
  const { who, does, whom, rest } = sayingOf(event);
  return (
    <li class="admin-event">
      <p>
        <Person name={who} /> {does} {whom && <Person name={whom} />} {rest}
      </p>
      <p class="admin-item-detail">
        <time dateTime={event.at} title={fullTime(event.at)}>
          {mediumTime(event.at)}
        </time>
        {event.address && (
          <>
            {' '}
            from <bdi>{event.address}</bdi>
          </>
        )}
      </p>
    </li>
  );
}

function Person({ name }: { name: string }) {
  return (
    <strong>
      <bdi>{name}</bdi>
    </strong>
  );
}
