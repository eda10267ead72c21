import { useState } from 'preact/hooks';
import type { Account } from 'tailwire-client/wire/api/admin';
import { randomPassword } from '../../browser/random_password';
import { nameIn } from '../../browser/text';
import { fullTime } from '../../browser/time';
import { newPasswordErrors, PASSWORD_RULE } from '../account/password';
import { useAdmin, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { Icon, type IconName } from '../parts/Icon';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { WorkButton } from '../parts/WorkButton';
import { useWork, type Work } from '../parts/work';
import { Marks } from './AccountList';
import { AccountLogins } from './AccountLogins';
import { GivenPassword } from './GivenPassword';

type Place = 'password' | 'logins' | 'erase';

interface AccountDialogProps {
  account: Account;
  onClose(): void;
}

/** What an administrator can do with an account. Each task that asks for more has its own page. */
export function AccountDialog({ account, onClose }: AccountDialogProps) {
  const [place, setPlace] = useState<Place | null>(null);
  // It lasts as long as the dialog: what came of it is told when the user comes back from a page.
  const work = useWork();
  const back = () => setPlace(null);
  if (place === null)
    return (
      <Dialog title={account.display_name} onClose={onClose}>
        <Overview account={account} work={work} onChoose={setPlace} onClose={onClose} />
      </Dialog>
    );
  const titles: Record<Place, string> = {
    password: `A new password for @${account.username}`,
    logins: `Where @${account.username} is logged in`,
    erase: `Delete @${account.username}?`,
  };
  return (
    <Dialog title={titles[place]} onClose={onClose} onBack={back}>
      {place === 'password' && <ResetPassword account={account} onClose={onClose} />}
      {place === 'logins' && <AccountLogins account={account} />}
      {place === 'erase' && <EraseAccount account={account} onBack={back} />}
    </Dialog>
  );
}

interface OverviewProps extends AccountDialogProps {
  work: Work;
  onChoose(place: Place): void;
}

function Overview({ account, work, onChoose, onClose }: OverviewProps) {
  const { accounts } = useAdmin();
  const { user_id: me } = useSession();
  const { error, done, run } = work;
  const { id, username, admin, disabled, erasing } = account;
  const isOwn = id === me;
  const change = (flags: { disabled: boolean } | { admin: boolean }, said: string) =>
    run(() => accounts.set(id, flags), said);
  return (
    <>
      <dl class="admin-facts">
        <div>
          <dt>Username</dt>
          <dd>
            <bdi>@{username}</bdi> <Marks account={account} />
          </dd>
        </div>
        <div>
          <dt>Since</dt>
          <dd>{fullTime(account.created_at)}</dd>
        </div>
        <div>
          <dt>Id</dt>
          <dd>
            <code>{id}</code>
          </dd>
        </div>
      </dl>
      {isOwn && (
        <p class="form-note">
          This is you. Another administrator can disable you or take your rights. Your password and
          your logins are in “Your account”.
        </p>
      )}
      {erasing && (
        <p class="callout">This account is being deleted. Nothing can stop that any more.</p>
      )}
      <ErrorLine text={error} />
      <DoneLine text={done} />
      <ul class="account-places">
        {!isOwn && !erasing && (
          <>
            <Act
              icon={admin ? 'people' : 'key'}
              onAct={() =>
                change(
                  { admin: !admin },
                  admin
                    ? `@${username} is no administrator any more.`
                    : `@${username} is an administrator now.`,
                )
              }
            >
              {admin ? 'Take the rights of an administrator' : 'Make an administrator'}
            </Act>
            <Act
              icon={disabled ? 'check' : 'lock'}
              onAct={() =>
                change(
                  { disabled: !disabled },
                  disabled
                    ? `@${username} can log in again.`
                    : `@${username} is logged out everywhere and cannot log in.`,
                )
              }
            >
              {disabled ? 'Enable' : 'Disable'}
            </Act>
            {account.avatar && (
              <Act
                icon="close"
                onAct={() =>
                  run(() => accounts.removeAvatar(account), `@${username} has no picture any more.`)
                }
              >
                Remove the picture
              </Act>
            )}
            <Act icon="key" onAct={() => onChoose('password')}>
              Set a new password
            </Act>
            <Act icon="monitor" onAct={() => onChoose('logins')}>
              Where they are logged in
            </Act>
          </>
        )}
        <li>
          <a class="account-place" href={`#/admin/audit/${id}`} onClick={onClose}>
            <Icon name="list" size={18} />
            What the audit log says
          </a>
        </li>
        {!isOwn && !erasing && (
          <Act icon="bin" danger onAct={() => onChoose('erase')}>
            Delete the account…
          </Act>
        )}
      </ul>
    </>
  );
}

interface ActProps {
  icon: IconName;
  danger?: boolean;
  onAct(): unknown;
  children: string;
}

function Act({ icon, danger = false, onAct, children }: ActProps) {
  return (
    <li>
      <WorkButton class={danger ? 'account-place danger' : 'account-place'} onPress={onAct}>
        <Icon name={icon} size={18} />
        {children}
      </WorkButton>
    </li>
  );
}

function ResetPassword({ account, onClose }: AccountDialogProps) {
  const { api } = useAdmin();
  const [given, setGiven] = useState<string | null>(null);
  const [suggested] = useState(() => randomPassword(crypto));
  const form = useForm({
    names: ['new_password'],
    check: ({ new_password }) => newPasswordErrors('new_password', new_password),
    send: async ({ new_password }) => {
      await api.resetPassword(account.id, new_password);
      setGiven(new_password);
    },
  });
  if (given !== null)
    return <GivenPassword username={account.username} password={given} onClose={onClose} />;
  return (
    <FormCard form={form} send="Set this password" sending="Setting…">
      <Field
        label="New password"
        {...form.field('new_password')}
        initial={suggested}
        hint={PASSWORD_RULE}
        plain
      />
      <p class="form-note">They are logged out everywhere.</p>
    </FormCard>
  );
}

function EraseAccount({ account, onBack }: { account: Account; onBack(): void }) {
  const { accounts } = useAdmin();
  const form = useForm({
    names: ['name'],
    check: ({ name }) =>
      wrongIf(
        nameIn(name).replace(/^@/, '').normalize('NFKC').toLowerCase() !== account.username,
        'name',
        `Type ${account.username} to go on.`,
      ),
    send: async () => {
      await accounts.erase(account);
      onBack();
    },
  });
  return (
    <FormCard
      form={form}
      send="Delete the account"
      sending="Deleting…"
      danger
      buttons={
        <button type="button" class="button" onClick={onBack}>
          Keep it
        </button>
      }
    >
      <p class="callout danger">
        <strong>This cannot be undone.</strong> They are logged out everywhere, leave every room,
        and what they wrote is deleted or, if this server keeps it, no longer bears their name.
        Others can take the username.
      </p>
      <Field
        label="Their username"
        {...form.field('name')}
        hint={`Type ${account.username} to confirm.`}
        plain
      />
    </FormCard>
  );
}
