import { useEffect, useRef } from 'preact/hooks';
import type { InviteTerms } from 'tailwire-client/wire/protocol';
import type { PagedList } from '../../wire/paged_list';
import { InviteItem } from './InviteItem';
import { LoadFailure } from './LoadFailure';
import { MoreButton } from './MoreButton';
import { DoneLine, ErrorLine } from './Outcome';
import { useWork } from './work';

interface InviteListProps<Invite> {
  invites: PagedList<Invite> & { end(id: string): Promise<void> };
  /** As in `InviteItem`. */
  becomes(invite: Invite): string | null;
}

/** The invitations that were made, each with a button that ends it. */
export function InviteList<Invite extends InviteTerms>({
  invites,
  becomes,
}: InviteListProps<Invite>) {
  const { error, done, run } = useWork();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => void invites.load(), [invites]);

  const end = (id: string) =>
    run(() => invites.end(id), 'The invitation is ended. Its link lets nobody else in.');

  const items = invites.items.value;
  const state = invites.state.value;
  return (
    <>
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
            becomes={becomes(invite)}
            list={list}
            onEnd={() => end(invite.invite_id)}
          />
        ))}
      </ul>
      <MoreButton list={invites}>Show older ones</MoreButton>
      <ErrorLine text={error} />
      <DoneLine text={done} />
    </>
  );
}
