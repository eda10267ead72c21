import { useEffect, useRef, useState } from 'preact/hooks';
import type { PublicUser } from '../../wire/protocol';
import { useApp, useSession } from '../parts/context';
import { KeepingNotice } from '../parts/KeepingNotice';
import { NARROW, useMedia } from '../parts/media';
import { Browse } from '../rooms/Browse';
import { RoomPlace } from '../rooms/RoomPlace';
import { ConnectionBanner } from './ConnectionBanner';
import { Home } from './Home';
import { NewsBanners } from './NewsBanners';
import { ShortcutsHelp } from './ShortcutsHelp';
import { Sidebar } from './Sidebar';
import { Switcher } from './Switcher';
import { useShortcuts } from './shortcuts';

export function Shell({ user }: { user: PublicUser | null }) {
  const { build, router } = useApp();
  const session = useSession();
  const route = router.route.value;
  const main = useRef<HTMLElement>(null);
  const entered = useRef(false);
  const [open, setOpen] = useState<'switcher' | 'help' | null>(null);
  const narrow = useMedia(NARROW);
  useShortcuts({ onSwitch: () => setOpen('switcher'), onHelp: () => setOpen('help') });
  const place = route.name === 'room' ? route.id : route.name;

  // A screen reader does not notice that the page changed, so the focus moves to its heading.
  useEffect(() => {
    const [heading] = main.current?.querySelectorAll<HTMLElement>('[data-place-heading]') ?? [];
    if (entered.current && !main.current?.contains(document.activeElement)) heading?.focus();
    entered.current = true;
  }, [place]);

  const atHome = route.name !== 'room' && route.name !== 'browse';
  return (
    <div class={atHome ? 'shell at-home' : 'shell'}>
      <button type="button" class="skip-link" onClick={() => main.current?.focus()}>
        Skip to the conversation
      </button>
      <div class="banners">
        <ConnectionBanner connection={session.connection} outdated={build.outdated.value} />
        <NewsBanners place={place} />
        <KeepingNotice look="banner" />
      </div>
      <Sidebar user={user} alone={narrow && atHome} onKeys={() => setOpen('help')} />
      <main id="main" class="main" ref={main} tabIndex={-1}>
        {route.name === 'room' ? (
          <RoomPlace id={route.id} key={route.id} />
        ) : route.name === 'browse' ? (
          <Browse />
        ) : (
          <Home />
        )}
      </main>
      {open === 'switcher' && <Switcher onClose={() => setOpen(null)} />}
      {open === 'help' && <ShortcutsHelp onClose={() => setOpen(null)} />}
    </div>
  );
}
