import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Token } from 'tailwire-client/wire/program_tokens';
import { ago, fullTime, mediumTime } from '../../browser/time';
import { useAccount, useApp, useSession } from '../parts/context';
import { LoadFailure } from '../parts/LoadFailure';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { SureButton } from '../parts/SureButton';
import { useWork } from '../parts/work';
import { SCOPES } from './scopes';

/** Lists the tokens of a bot, or with null those of the user, each with a button that ends it. */
export function TokenList({ of }: { of: string | null }) {
  const { programs } = useAccount();
  const [tokens] = useState(() => programs.tokens(of));
  const { error, done, run } = useWork();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => void tokens.load(), [tokens]);
  const items = tokens.items.value;
  const state = tokens.state.value;
  return (
    <>
      {items.length === 0 && state === 'loading' && <p role="status">Loading…</p>}
      {state === 'failed' && (
        <LoadFailure error={tokens.error.value} onAgain={() => void tokens.load()} />
      )}
      {items.length === 0 && state === 'loaded' && <p>There is none.</p>}
      <ul class="logins" ref={list} tabIndex={-1} aria-label="Tokens">
        {items.map((token) => (
          <TokenItem
            key={token.token_id}
            token={token}
            list={list}
            onEnd={() => run(() => tokens.end(token.token_id), `The token ${token.name} is ended.`)}
          />
        ))}
      </ul>
      <ErrorLine text={error} />
      <DoneLine text={done} />
    </>
  );
}

interface TokenItemProps {
  token: Token;
  list: RefObject<HTMLElement | null>;
  onEnd(): Promise<unknown>;
}

function TokenItem({ token, list, onEnd }: TokenItemProps) {
  const { now } = useApp();
  const { rooms, titles } = useSession();
  const { name, scopes, room_ids, expires_at, last_used_at, created_at } = token;
  const used = last_used_at ? `Last used ${ago(last_used_at, now.minute.value)}` : 'Never used';
  const until = expires_at ? `until ${mediumTime(expires_at)}` : 'for ever';
  const where = room_ids?.map((id) => {
    const room = rooms.get(id);
    return room ? titles.of(room) : id;
  });
  return (
    <li class="login">
      <div class="login-text">
        <p class="login-name">
          <bdi>{name}</bdi>{' '}
          {SCOPES.filter(({ value }) => scopes.includes(value)).map(({ value, title }) => (
            <span class="role" key={value}>
              {title}
            </span>
          ))}
        </p>
        <p class="login-detail" title={last_used_at ? fullTime(last_used_at) : undefined}>
          {used}. Made {mediumTime(created_at)}, {until}
        </p>
        <p class="login-detail">{where ? <bdi>Only in {where.join(', ')}</bdi> : 'In all rooms'}</p>
      </div>
      <SureButton
        class="button small"
        sure="Really end?"
        label={`End the token ${name}`}
        heir={list}
        onPress={onEnd}
      >
        End
      </SureButton>
    </li>
  );
}
