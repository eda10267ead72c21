import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Login } from 'tailwire-client/wire/protocol';
import { deviceName } from '../../browser/device';
import { ago, fullTime, mediumTime } from '../../browser/time';
import { useAccount, useApp } from '../parts/context';
import { LoadFailure } from '../parts/LoadFailure';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';

/** Lists the user's sessions, each with a button that ends it. */
export function Logins() {
  const { logins } = useAccount();
  const { error, done, run } = useWork();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => void logins.load(), [logins]);

  const items = logins.items.value;
  const state = logins.state.value;
  return (
    <>
      {items.length === 0 && state === 'loading' && <p role="status">Loading…</p>}
      {state === 'failed' && (
        <LoadFailure error={logins.error.value} onAgain={() => void logins.load()} />
      )}
      <ul class="logins" ref={list} tabIndex={-1} aria-label="Where you are logged in">
        {items.map((login) => (
          <LoginItem
            key={login.id}
            login={login}
            list={list}
            onEnd={() =>
              run(() => logins.end(login.id), `${deviceName(login.user_agent)} is logged out.`)
            }
          />
        ))}
      </ul>
      <ErrorLine text={error} />
      <DoneLine text={done} />
      {items.some(({ current }) => !current) && (
        <WorkButton
          class="button danger wide"
          heir={list}
          onPress={() => run(() => logins.endOthers(), 'You are logged out everywhere but here.')}
        >
          Log out everywhere else
        </WorkButton>
      )}
    </>
  );
}

interface LoginItemProps {
  login: Login;
  list: RefObject<HTMLElement | null>;
  onEnd(): Promise<unknown>;
}

function LoginItem({ login, list, onEnd }: LoginItemProps) {
  const { now } = useApp();
  const name = deviceName(login.user_agent);
  const lastUsed = ago(login.last_used_at, now.minute.value);
  return (
    <li class="login">
      <div class="login-text">
        <p class="login-name" title={login.user_agent}>
          {name} {login.current && <span class="role">this one</span>}
        </p>
        <p class="login-detail" title={fullTime(login.last_used_at)}>
          {login.current ? 'In use now' : `Last used ${lastUsed}`}, since{' '}
          {mediumTime(login.created_at)}
        </p>
      </div>
      {!login.current && (
        <WorkButton
          class="button small"
          label={`Log out ${name}, last used ${lastUsed}`}
          heir={list}
          onPress={onEnd}
        >
          Log out
        </WorkButton>
      )}
    </li>
  );
}
