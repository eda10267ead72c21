import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import { loadAdmin } from '../admin/load';
import { useApp, useSession } from '../parts/context';
import { KeepingNotice } from '../parts/KeepingNotice';
import { LazyDialog } from '../parts/LazyDialog';
import { LazyPlace } from '../parts/LazyPlace';
import { NARROW, useMedia } from '../parts/media';
import { loadRoomViews } from '../rooms/load';
import { RoomPlace } from '../rooms/RoomPlace';
import { loadMessageViews } from '../timeline/load';
import { ConnectionBanner } from './ConnectionBanner';
import { Home } from './Home';
import { loadDialogs } from './load';
import { Sidebar } from './Sidebar';
import { useShortcuts } from './shortcuts';

const LATER = [loadRoomViews, loadMessageViews, loadDialogs];
// By then the rooms are drawn.
const LATER_MILLISECONDS = 300;

export function Shell({ user }: { user: PublicUser | null }) {
  const { build, parts, router } = useApp();
  const session = useSession();
  const route = router.route.value;
  const main = useRef<HTMLElement>(null);
  const entered = useRef(false);
  const [open, setOpen] = useState<'switcher' | 'help' | null>(null);
  const narrow = useMedia(NARROW);
  useShortcuts({ onSwitch: () => setOpen('switcher'), onHelp: () => setOpen('help') });
  const place = route.name === 'room' ? route.id : route.name;
  const close = () => setOpen(null);
  const later = parts.of(loadDialogs).loaded;

  const isFirstShown = session.rooms.loaded.value;
  useEffect(() => {
    if (!isFirstShown) return;
    for (const load of LATER) parts.of<unknown>(load);
    const timer = setTimeout(() => {
      parts.loadAll();
      session.account.load();
    }, LATER_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [parts, session, isFirstShown]);

  // A screen reader does not notice that the page changed, so the focus moves to its heading. It does so
  // with the drawing: later it might be taken from where the user went meanwhile.
  useLayoutEffect(() => {
    const [heading] = main.current?.querySelectorAll<HTMLElement>('[data-place-heading]') ?? [];
    if (entered.current && !main.current?.contains(document.activeElement)) heading?.focus();
    entered.current = true;
  }, [place]);

  const atHome = !['room', 'browse', 'mentions', 'search', 'admin', 'invite'].includes(route.name);
  return (
    <div class={atHome ? 'shell at-home' : 'shell'}>
      <button type="button" class="skip-link" onClick={() => main.current?.focus()}>
        Skip to the conversation
      </button>
      <div class="banners">
        <ConnectionBanner connection={session.connection} outdated={build.outdated.value} />
        {later && <later.NewsBanners place={place} />}
        {later && <later.NoticeOffer />}
        <KeepingNotice look="banner" />
      </div>
      <Sidebar user={user} alone={narrow && atHome} onKeys={() => setOpen('help')} />
      <main id="main" class="main" ref={main} tabIndex={-1}>
        {route.name === 'room' ? (
          <RoomPlace id={route.id} key={route.id} />
        ) : route.name === 'browse' ? (
          <LazyPlace title="Public rooms" load={loadRoomViews} show={({ Browse }) => <Browse />} />
        ) : route.name === 'mentions' ? (
          <LazyPlace title="Mentions" load={loadRoomViews} show={({ Mentions }) => <Mentions />} />
        ) : route.name === 'search' ? (
          <LazyPlace
            title="Search"
            load={loadDialogs}
            show={({ SearchPlace }) => <SearchPlace {...route} />}
          />
        ) : route.name === 'admin' ? (
          <LazyPlace title="Administration" load={loadAdmin} show={({ Admin }) => <Admin />} />
        ) : route.name === 'invite' ? (
          <LazyPlace
            title="Invitation"
            load={loadRoomViews}
            show={({ InvitePlace }) => <InvitePlace key={route.code} code={route.code} />}
          />
        ) : (
          <Home />
        )}
      </main>
      <LazyDialog
        title="Go to a room or a person"
        open={open === 'switcher'}
        load={loadDialogs}
        show={({ Switcher }) => <Switcher onClose={close} />}
        onClose={close}
      />
      <LazyDialog
        title="Keys"
        open={open === 'help'}
        load={loadDialogs}
        show={({ ShortcutsHelp }) => <ShortcutsHelp onClose={close} />}
        onClose={close}
      />
    </div>
  );
}
