import { useEffect, useRef, useState } from 'preact/hooks';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import { PagedList } from '../../wire/paged_list';
import { useSession } from '../parts/context';
import { LoadFailure } from '../parts/LoadFailure';
import { MoreButton } from '../parts/MoreButton';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';

/** Lists whom the user blocked, each with a button that ends it. */
export function BlockedPeople() {
  const { blocks, titles } = useSession();
  const [list] = useState(() => new PagedList((cursor) => blocks.page(cursor)));
  const { error, done, run } = useWork();
  const element = useRef<HTMLUListElement>(null);
  useEffect(() => void list.load(), [list]);
  const state = list.state.value;
  const items = list.items.value.filter(({ id }) => blocks.has(id));
  const end = (user: PublicUser) =>
    run(() => blocks.set(user.id, false), `${titles.nameOf(user)} is not blocked any more.`);
  return (
    <>
      <p>
        What they write is hidden. They cannot write to you directly, mention you or invite you.
      </p>
      {state === 'failed' && (
        <LoadFailure error={list.error.value} onAgain={() => void list.load()} />
      )}
      {items.length === 0 && state === 'loading' && <p role="status">Loading…</p>}
      {items.length === 0 && state === 'loaded' && !list.hasMore.value && (
        <p>You have blocked nobody. It is done on the card that opens with a name.</p>
      )}
      <ul class="logins" ref={element} tabIndex={-1} aria-label="Blocked people">
        {items.map((user) => (
          <li class="login" key={user.id}>
            <div class="login-text">
              <p class="login-name">
                <bdi>{titles.nameOf(user)}</bdi>
              </p>
              <p class="login-detail">
                <bdi>@{user.username}</bdi>
              </p>
            </div>
            <WorkButton
              class="button small"
              label={`Unblock ${titles.nameOf(user)}`}
              heir={element}
              onPress={() => end(user)}
            >
              Unblock
            </WorkButton>
          </li>
        ))}
      </ul>
      <ErrorLine text={error} />
      <DoneLine text={done} />
      <MoreButton list={list}>Show more</MoreButton>
    </>
  );
}
