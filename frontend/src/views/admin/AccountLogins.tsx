import { useRef, useState } from 'preact/hooks';
import type { Account } from 'tailwire-client/wire/api/admin';
import { deviceName } from '../../browser/device';
import { ago, fullTime, mediumTime } from '../../browser/time';
import { useAdmin, useApp } from '../parts/context';
import { LoadFailure } from '../parts/LoadFailure';
import { useLoaded } from '../parts/loaded';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';

/** The sessions of somebody, each with a button that ends it. */
export function AccountLogins({ account }: { account: Account }) {
  const { api } = useAdmin();
  const { now } = useApp();
  const { value, failed, again } = useLoaded(() => api.logins(account.id), account.id);
  const [ended, setEnded] = useState<ReadonlySet<string>>(new Set());
  const { error, done, run } = useWork();
  const list = useRef<HTMLUListElement>(null);
  const logins = value?.filter(({ id }) => !ended.has(id)) ?? [];

  const end = async (ids: string[], work: () => Promise<void>, said: string) => {
    if (await run(work, said)) setEnded((before) => new Set([...before, ...ids]));
  };

  return (
    <>
      {failed && <LoadFailure error="This cannot be loaded." onAgain={again} />}
      {!failed && value === null && <p role="status">Loading…</p>}
      {value && logins.length === 0 && <p class="form-note">They are logged in nowhere.</p>}
      <ul class="logins" ref={list} tabIndex={-1} aria-label="Where they are logged in">
        {logins.map((login) => {
          const name = deviceName(login.user_agent);
          const lastUsed = ago(login.last_used_at, now.minute.value);
          return (
            <li class="login" key={login.id}>
              <div class="login-text">
                <p class="login-name" title={login.user_agent}>
                  {name}
                </p>
                <p class="login-detail" title={fullTime(login.last_used_at)}>
                  Last used {lastUsed}, since {mediumTime(login.created_at)}
                </p>
              </div>
              <WorkButton
                class="button small"
                label={`Log out ${name}, last used ${lastUsed}`}
                heir={list}
                onPress={() =>
                  end(
                    [login.id],
                    () => api.endLogin(account.id, login.id),
                    `${name} is logged out.`,
                  )
                }
              >
                Log out
              </WorkButton>
            </li>
          );
        })}
      </ul>
      <ErrorLine text={error} />
      <DoneLine text={done} />
      {logins.length > 1 && (
        <WorkButton
          class="button danger wide"
          heir={list}
          onPress={() =>
            end(
              logins.map(({ id }) => id),
              () => api.endLogins(account.id),
              'They are logged out everywhere.',
            )
          }
        >
          Log out everywhere
        </WorkButton>
      )}
    </>
  );
}
