import { useEffect, useState } from 'preact/hooks';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import { Avatar } from '../parts/Avatar';
import { AvatarField } from '../parts/AvatarField';
import { useAccount, useApp, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Icon, type IconName } from '../parts/Icon';
import { LoadFailure } from '../parts/LoadFailure';
import { DoneLine } from '../parts/Outcome';
import { AboutMe } from './AboutMe';
import { BlockedPeople } from './BlockedPeople';
import { DisplayName } from './DisplayName';
import { Erase } from './Erase';
import { Logins } from './Logins';
import { NewPassword } from './NewPassword';
import { NoticeChoice } from './NoticeChoice';
import { Programs } from './Programs';
import { Takeout } from './Takeout';
import { ThemeChoice } from './ThemeChoice';

type Place =
  | 'about'
  | 'notices'
  | 'blocks'
  | 'password'
  | 'logins'
  | 'programs'
  | 'takeout'
  | 'erase';

const PLACES: Record<Place, { title: string; icon: IconName }> = {
  about: { title: 'Status and local time', icon: 'pencil' },
  notices: { title: 'Notifications', icon: 'bell' },
  blocks: { title: 'Blocked people', icon: 'bellOff' },
  password: { title: 'Change password', icon: 'key' },
  logins: { title: 'Where you are logged in', icon: 'monitor' },
  programs: { title: 'Bots and tokens', icon: 'code' },
  takeout: { title: 'Export my data', icon: 'down' },
  erase: { title: 'Delete my account', icon: 'bin' },
};

interface AccountProps {
  user: PublicUser;
  onClose(): void;
}

/** The dialog in which users change their own account. Each task has its own page. */
export function Account(props: AccountProps) {
  const { account } = useSession();
  if (account.value) return <Pages {...props} />;
  return (
    <Dialog title="Your account" onClose={props.onClose}>
      {account.failed.value ? (
        <LoadFailure error="This cannot be loaded." onAgain={() => account.again()} />
      ) : (
        <p role="status">Loading…</p>
      )}
    </Dialog>
  );
}

function Pages({ user, onClose }: AccountProps) {
  const [place, setPlace] = useState<Place | null>(null);
  const [notice, setNotice] = useState('');
  const back = (said = '') => {
    setPlace(null);
    setNotice(said);
  };
  if (place === null)
    return (
      <Dialog title="Your account" onClose={onClose}>
        <Overview
          user={user}
          notice={notice}
          onNotice={setNotice}
          onChoose={setPlace}
          onClose={onClose}
        />
      </Dialog>
    );
  if (place === 'programs') return <Programs onClose={onClose} onBack={() => back()} />;
  return (
    <Dialog title={PLACES[place].title} onClose={onClose} onBack={() => back()}>
      {place === 'about' && <AboutMe onSaved={back} />}
      {place === 'notices' && <NoticeChoice />}
      {place === 'blocks' && <BlockedPeople />}
      {place === 'password' && <NewPassword user={user} onChanged={back} />}
      {place === 'logins' && <Logins />}
      {place === 'takeout' && <Takeout />}
      {place === 'erase' && <Erase user={user} onBack={() => back()} />}
    </Dialog>
  );
}

interface OverviewProps {
  user: PublicUser;
  /** Tells what was done last. */
  notice: string;
  onNotice(text: string): void;
  onChoose(place: Place): void;
  onClose(): void;
}

function Overview({ user, notice, onNotice, onChoose, onClose }: OverviewProps) {
  const { logout } = useApp();
  const { rights } = useAccount();
  const { features, names } = useSession();
  useEffect(() => void rights.look(), [rights]);
  const places = (Object.keys(PLACES) as Place[]).filter((place) => {
    // Profiles came with direct rooms.
    if (place === 'about') return features.value.has('direct');
    if (place === 'programs') return features.value.has('bots');
    return place !== 'blocks' || features.value.has('blocks');
  });
  return (
    <>
      <div class="account-who">
        <Avatar {...user} />
        <p>
          Signed in as{' '}
          <strong>
            <bdi>@{user.username}</bdi>
          </strong>
        </p>
      </div>
      {features.value.has('files') && (
        <AvatarField<PublicUser>
          of={`@${user.username}`}
          path="users/me/avatar"
          avatar={names.avatarOf(user.id)}
          onChanged={(now) => names.learn(now.id, now.display_name, now.avatar)}
        />
      )}
      <DoneLine text={notice} />
      <DisplayName user={user} onSaved={onNotice} />
      <ThemeChoice />
      <ul class="account-places">
        {rights.isAdmin.value && (
          <li>
            {/* biome-ignore lint/a11y/useValidAnchor: it leads to a page, and the dialog closes as well */}
            <a class="account-place" href="#/admin" onClick={onClose}>
              <Icon name="settings" size={18} />
              Administration
            </a>
          </li>
        )}
        {places.map((place) => (
          <li key={place}>
            <button
              type="button"
              class={place === 'erase' ? 'account-place danger' : 'account-place'}
              onClick={() => onChoose(place)}
            >
              <Icon name={PLACES[place].icon} size={18} />
              {PLACES[place].title}
            </button>
          </li>
        ))}
      </ul>
      <button type="button" class="button wide" onClick={logout}>
        <Icon name="leave" size={18} />
        Log out
      </button>
    </>
  );
}
