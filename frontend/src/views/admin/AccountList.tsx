import { useEffect, useState } from 'preact/hooks';
import type { Account, AccountState } from 'tailwire-client/wire/api/admin';
import { DISPLAY_NAME_CHARACTERS } from 'tailwire-client/wire/limits';
import { mediumTime } from '../../browser/time';
import { Avatar } from '../parts/Avatar';
import { useAdmin, useSession } from '../parts/context';
import { LoadFailure } from '../parts/LoadFailure';
import { MoreButton } from '../parts/MoreButton';
import { SearchField } from '../parts/SearchField';
import { Select } from '../parts/Select';
import { AccountDialog } from './AccountDialog';
import { MakeAccount } from './MakeAccount';

const STATES = [
  { value: '', label: 'All' },
  { value: 'admin', label: 'Administrators' },
  { value: 'disabled', label: 'Disabled' },
  { value: 'erasing', label: 'Being deleted' },
];

/** The accounts of the server. Each opens a dialog with all that can be done with it. `wanted` is looked for at first. */
export function AccountList({ wanted }: { wanted: string }) {
  const { accounts } = useAdmin();
  const [open, setOpen] = useState<string | null>(null);
  const [making, setMaking] = useState(false);
  useEffect(() => {
    accounts.choose(null);
    accounts.look(wanted, true);
  }, [accounts, wanted]);
  const items = accounts.items.value;
  const state = accounts.state.value;
  const opened = items.find(({ id }) => id === open);
  return (
    <>
      <div class="admin-filters">
        <SearchField
          label="Find"
          placeholder="Any part of a name"
          characters={DISPLAY_NAME_CHARACTERS}
          initial={wanted}
          list={accounts}
        />
        <Select
          label="Show"
          initial=""
          options={STATES}
          onChoose={(value) => accounts.choose((value || null) as AccountState | null)}
        />
        <button type="button" class="button primary" onClick={() => setMaking(true)}>
          Make an account
        </button>
      </div>
      {state === 'failed' && (
        <LoadFailure error={accounts.error.value} onAgain={() => void accounts.load()} />
      )}
      <ul class="admin-list" aria-label="Accounts" aria-busy={state === 'loading'}>
        {items.map((account) => (
          <AccountItem key={account.id} account={account} onOpen={() => setOpen(account.id)} />
        ))}
      </ul>
      <p role="status" class="browse-none admin-count">
        {state === 'loading' && items.length === 0 && 'Loading…'}
        {state === 'loaded' &&
          items.length === 0 &&
          (accounts.isFiltered ? 'No account is like that.' : 'There are no accounts.')}
        {state === 'loaded' && items.length > 0 && countText(items.length, accounts.hasMore.value)}
      </p>
      <MoreButton list={accounts}>Show more</MoreButton>
      {opened && <AccountDialog account={opened} onClose={() => setOpen(null)} />}
      {making && <MakeAccount onClose={() => setMaking(false)} />}
    </>
  );
}

function countText(count: number, hasMore: boolean): string {
  if (hasMore) return `The first ${count} are shown.`;
  return count === 1 ? 'One account.' : `${count} accounts.`;
}

function AccountItem({ account, onOpen }: { account: Account; onOpen(): void }) {
  const { user_id: me } = useSession();
  return (
    <li>
      <button type="button" class="admin-item" onClick={onOpen}>
        <Avatar {...account} />
        <span class="admin-item-text">
          {/* A name from the right stands at the left as well, beside its picture. */}
          <span class="admin-item-name">
            <bdi>{account.display_name}</bdi>
          </span>
          <span class="admin-item-detail">
            <bdi>@{account.username}</bdi>, since {mediumTime(account.created_at)}
          </span>
        </span>
        <span class="admin-item-marks">
          {account.id === me && <span class="role">you</span>}
          <Marks account={account} />
        </span>
      </button>
    </li>
  );
}

/** What is not usual about an account. */
export function Marks({ account }: { account: Account }) {
  return (
    <>
      {account.admin && <span class="role admin-mark">administrator</span>}
      {account.erasing ? (
        <span class="role danger-mark">being deleted</span>
      ) : (
        account.disabled && <span class="role danger-mark">disabled</span>
      )}
    </>
  );
}
