import type { RefObject } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Ban } from 'tailwire-client/wire/bans';
import type { PublicUser, Room } from 'tailwire-client/wire/protocol';
import { mediumTime } from '../../browser/time';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { LoadFailure } from '../parts/LoadFailure';
import { MoreButton } from '../parts/MoreButton';
import { useModeration } from '../parts/moderation';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';
import { BanByName } from './BanByName';

/** Who may not come back to a room, each with a button that ends it, and a way to ban anybody. */
export function BansDialog({ room, onClose }: { room: Room; onClose(): void }) {
  const { titles } = useSession();
  const moderation = useModeration();
  const bans = useMemo(() => moderation.bans(room.id), [moderation, room.id]);
  const { error, done, run } = useWork();
  const list = useRef<HTMLUListElement>(null);
  const [isBanning, setBanning] = useState(false);
  useEffect(() => void bans.load(), [bans]);
  const items = bans.items.value;
  const state = bans.state.value;
  const end = ({ user }: Ban) =>
    run(() => bans.end(user.id), `${titles.nameOf(user)} may come back.`);
  if (isBanning) {
    const onBanned = (user: PublicUser) => {
      setBanning(false);
      void run(() => bans.load(), `${titles.nameOf(user)} is banned.`);
    };
    return (
      <Dialog title="Ban someone" onClose={onClose}>
        <BanByName room={room} onBack={() => setBanning(false)} onBanned={onBanned} />
      </Dialog>
    );
  }
  return (
    <Dialog title="Banned people" onClose={onClose}>
      {state === 'failed' && (
        <LoadFailure error={bans.error.value} onAgain={() => void bans.load()} />
      )}
      {items.length === 0 && state === 'loading' && <p role="status">Loading…</p>}
      {items.length === 0 && state === 'loaded' && <p>Nobody is banned from this room.</p>}
      <ul class="logins" ref={list} tabIndex={-1} aria-label="Banned people">
        {items.map((ban) => (
          <BanItem key={ban.user.id} ban={ban} list={list} onEnd={() => end(ban)} />
        ))}
      </ul>
      <ErrorLine text={error} />
      <DoneLine text={done} />
      <MoreButton list={bans}>Show more</MoreButton>
      <div class="form-actions">
        <button type="button" class="button" onClick={() => setBanning(true)}>
          Ban someone…
        </button>
      </div>
    </Dialog>
  );
}

interface BanItemProps {
  ban: Ban;
  list: RefObject<HTMLElement | null>;
  onEnd(): Promise<unknown>;
}

function BanItem({ ban, list, onEnd }: BanItemProps) {
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
      <WorkButton
        class="button small"
        label={`Let ${titles.nameOf(user)} come back`}
        heir={list}
        onPress={onEnd}
      >
        Unban
      </WorkButton>
    </li>
  );
}
