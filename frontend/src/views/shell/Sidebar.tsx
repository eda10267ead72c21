import { useState } from 'preact/hooks';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import { mentionsIn } from '../../rooms/level';
import { Avatar } from '../parts/Avatar';
import { useApp, useSession } from '../parts/context';
import { Icon } from '../parts/Icon';
import { LazyDialog } from '../parts/LazyDialog';
import { Logo } from '../parts/Logo';
import { ThemeToggle } from '../parts/ThemeToggle';
import { ConnectionChip } from './ConnectionBanner';
import { loadDialogs } from './load';
import { RoomList } from './RoomList';

interface SidebarProps {
  user: PublicUser | null;
  /** The rooms are all that the window shows. */
  alone: boolean;
  /** Shows the list of keys. */
  onKeys(): void;
}

export function Sidebar({ user, alone, onKeys }: SidebarProps) {
  const { router } = useApp();
  const { connection, names } = useSession();
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  // The user may have another name since this page was loaded.
  const name = user && names.of({ user_id: user.id, username: user.username });
  return (
    // Its role changes and not its element, which would forget how far it was scrolled.
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: both of these roles have names
    <div class="sidebar" role={alone ? 'main' : 'complementary'} aria-label="Rooms and account">
      <div class="sidebar-head">
        <a class="brand" href="#/" aria-label="Tailwire, home">
          <Logo size={28} />
          <span>Tailwire</span>
        </a>
        <ConnectionChip connection={connection} />
      </div>
      <nav class="sidebar-rooms" aria-label="Rooms">
        {alone && <h1 class="visually-hidden">Your rooms</h1>}
        <MentionsLink />
        <RoomList />
        <a
          class="browse-link"
          href="#/browse"
          aria-current={router.route.value.name === 'browse' ? 'page' : undefined}
        >
          <Icon name="compass" />
          Browse public rooms
        </a>
      </nav>
      <div class="sidebar-foot">
        {user && (
          <button type="button" class="me" onClick={() => setOpen(true)}>
            <Avatar {...user} />
            <span class="me-names">
              <bdi class="me-name">{name}</bdi>
              <bdi class="me-username">@{user.username}</bdi>
            </span>
            <span class="visually-hidden">Account</span>
          </button>
        )}
        <button
          type="button"
          class="icon-button keys-button"
          aria-label="Keys"
          title="Keys (?)"
          onClick={onKeys}
        >
          <Icon name="keyboard" />
        </button>
        <ThemeToggle />
      </div>
      {user && (
        <LazyDialog
          title="Your account"
          open={open}
          load={loadDialogs}
          show={({ Account }) => (
            <Account user={{ ...user, display_name: name ?? '' }} onClose={close} />
          )}
          onClose={close}
        />
      )}
    </div>
  );
}

/** Leads to the messages that mention the user. */
function MentionsLink() {
  const { features, rooms } = useSession();
  const { now, router } = useApp();
  if (!features.value.has('mentions')) return null;
  const count = mentionsIn(rooms.byId.value.values(), now.minute.value);
  return (
    <a
      class="browse-link"
      href="#/mentions"
      aria-current={router.route.value.name === 'mentions' ? 'page' : undefined}
    >
      <Icon name="mention" />
      <span class="browse-link-text">Mentions</span>
      {count > 0 && (
        <span class="badge mentions">
          {count > 99 ? '99+' : count}
          <span class="visually-hidden"> unread</span>
        </span>
      )}
    </a>
  );
}
