import { useEffect, useMemo, useRef } from 'preact/hooks';
import { mediumTime } from '../../browser/time';
import type { Ban, Room } from '../../wire/protocol';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { LoadFailure } from '../parts/LoadFailure';
import { useModeration } from '../parts/moderation';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { useWork } from '../parts/work';

/** Who may not come back to a room, each with a button that ends it. */
export function BansDialog({ room, onClose }: { room: Room; onClose(): void }) {
  const { titles } = useSession();
  const moderation = useModeration();
  const bans = useMemo(() => moderation.bans(room.id), [moderation, room.id]);
  const { busy, error, done, run } = useWork();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => void bans.load(), [bans]);
  const items = bans.items.value;
  const state = bans.state.value;
  const end = async ({ user }: Ban) => {
    const name = titles.nameOf(user);
    // The pressed button is gone, so the focus goes to the list.
    if (await run(() => bans.end(user.id), `${name} may come back.`)) list.current?.focus();
  };
  return (
    <Dialog title="Banned people" onClose={onClose}>
      {state === 'failed' && (
        <LoadFailure error={bans.error.value} onAgain={() => void bans.load()} />
      )}
      {items.length === 0 && state === 'loading' && <p role="status">Loading…</p>}
      {items.length === 0 && state === 'loaded' && <p>Nobody is banned from this room.</p>}
      <ul class="logins" ref={list} tabIndex={-1} aria-label="Banned people">
        {items.map((ban) => (
          <BanItem key={ban.user.id} ban={ban} busy={busy} onEnd={() => void end(ban)} />
        ))}
      </ul>
      <ErrorLine text={error} />
      <DoneLine text={done} />
      {bans.hasMore.value && (
        <button
          type="button"
          class="button wide"
          disabled={state === 'loading'}
          onClick={() => void bans.more()}
        >
          {state === 'loading' ? 'Loading…' : 'Show more'}
        </button>
      )}
    </Dialog>
  );
}

function BanItem({ ban, busy, onEnd }: { ban: Ban; busy: boolean; onEnd(): void }) {
  const { titles } = useSession();
  const { user, reason, at } = ban;
  return (
    <li class="login">
      <div class="login-text">
        <p class="login-name">
          <bdi>{titles.nameOf(user)}</bdi>
        </p>
        <p class="login-detail">
          <bdi>@{user.username}</bdi>, since {mediumTime(at)}
        </p>
        {reason && (
          <p class="login-detail" dir="auto">
            {reason}
          </p>
        )}
      </div>
      <button
        type="button"
        class="button small"
        aria-label={`Let ${titles.nameOf(user)} come back`}
        disabled={busy}
        onClick={onEnd}
      >
        Unban
      </button>
    </li>
  );
}
