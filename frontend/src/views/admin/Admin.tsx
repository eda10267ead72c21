import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { useApp, useSession } from '../parts/context';
import { LoadFailure } from '../parts/LoadFailure';
import { PlaceHead } from '../parts/PlaceHead';
import { AccountList } from './AccountList';
import { AuditPage } from './AuditPage';
import { Invitations } from './Invitations';
import { ReportsPage } from './ReportsPage';
import { RoomsPage } from './RoomsPage';
import { SettingsPage } from './SettingsPage';
import { StatusPage } from './StatusPage';

// Rights may be taken away while the screen is open.
const LOOK_MILLISECONDS = 15_000;

interface Page {
  title: string;
  /** What the server must be able to do, for the page to be there. */
  feature?: string;
  show(id: string): JSX.Element;
}

const PAGES = new Map<string, Page>([
  ['accounts', { title: 'Accounts', show: (id) => <AccountList wanted={id} key={id} /> }],
  ['invitations', { title: 'Invitations', show: () => <Invitations /> }],
  ['rooms', { title: 'Rooms', show: (id) => <RoomsPage wanted={id} key={id} /> }],
  ['reports', { title: 'Reports', feature: 'reports', show: () => <ReportsPage /> }],
  ['audit', { title: 'Audit log', show: (id) => <AuditPage user_id={id} key={id} /> }],
  ['status', { title: 'State', show: () => <StatusPage /> }],
  ['settings', { title: 'Settings', show: () => <SettingsPage /> }],
]);

/** The administrators' screen. Who is none, or not any more, is told so and sees nothing of it. */
export function Admin() {
  const { account } = useSession();
  const parts = account.value;
  if (!parts) return <Waiting failed={account.failed.value} onAgain={() => account.again()} />;
  return <Gate />;
}

function Gate() {
  const { account } = useSession();
  const rights = account.loaded?.rights;
  const admin = account.loaded?.admin;
  const isAdmin = rights?.isAdmin.value ?? null;
  useEffect(() => {
    if (!rights) return;
    void rights.look();
    const timer = setInterval(() => void rights.look(), LOOK_MILLISECONDS);
    return () => clearInterval(timer);
  }, [rights]);
  if (isAdmin === false) return <NoAdmin />;
  if (!isAdmin || !admin?.value)
    return <Waiting failed={admin?.failed.value ?? false} onAgain={() => admin?.again()} />;
  return <Pages />;
}

function Pages() {
  const { router } = useApp();
  const { features } = useSession();
  const { value: route } = router.route;
  const pages = [...PAGES].filter(([, { feature }]) => !feature || features.value.has(feature));
  const [found] = pages.filter(([name]) => route.name === 'admin' && name === route.page);
  const [current, page] = found ?? ['accounts', PAGES.get('accounts')];
  const tabs = useRef<HTMLUListElement>(null);
  // In a narrow window the tab may be outside the row.
  useEffect(() => {
    const [tab] = tabs.current?.querySelectorAll('[aria-current]') ?? [];
    tab?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [current]);
  return (
    <Frame>
      <nav class="admin-tabs" aria-label="Administration">
        <ul ref={tabs}>
          {pages.map(([name, { title }]) => (
            <li key={name}>
              <a href={`#/admin/${name}`} aria-current={name === current ? 'page' : undefined}>
                {title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {/* A region that scrolls is reached by the keyboard where nothing in it can be. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: so that it can be scrolled by keys */}
      <section class="browse admin-page" aria-labelledby="admin-title" tabIndex={0} key={current}>
        <h2 id="admin-title">{page?.title}</h2>
        {page?.show(route.name === 'admin' ? route.id : '')}
      </section>
    </Frame>
  );
}

function Frame({ children }: { children: ComponentChildren }) {
  return (
    <section class="place">
      <PlaceHead>Administration</PlaceHead>
      {children}
    </section>
  );
}

function Waiting({ failed, onAgain }: { failed: boolean; onAgain(): void }) {
  return (
    <Frame>
      <div class="browse">
        {failed ? (
          <LoadFailure error="This cannot be loaded." onAgain={onAgain} />
        ) : (
          <p role="status">Loading…</p>
        )}
      </div>
    </Frame>
  );
}

/** What is shown in the place of the screen as soon as the page knows that the user is no administrator. */
function NoAdmin() {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => heading.current?.focus(), []);
  return (
    <section class="empty">
      <h1 tabIndex={-1} ref={heading} data-place-heading>
        Only administrators come here
      </h1>
      <p>You are no administrator of this server, or not any more.</p>
      <a class="button primary" href="#/">
        Back to your rooms
      </a>
    </section>
  );
}
