import { useEffect, useRef, useState } from 'preact/hooks';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import type { PagedList } from '../../wire/paged_list';
import { Avatar } from '../parts/Avatar';
import { useAccount } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { LoadFailure } from '../parts/LoadFailure';
import { MoreButton } from '../parts/MoreButton';
import { DoneLine } from '../parts/Outcome';
import { BotPage } from './BotPage';
import { ConsumerList } from './ConsumerList';
import { MakeBot } from './MakeBot';
import { MakeToken } from './MakeToken';
import { TokenList } from './TokenList';

type Page =
  | { name: 'overview' }
  | { name: 'make-bot' }
  | { name: 'bot'; bot: PublicUser }
  /** A new token of a bot, or with null of the user. */
  | { name: 'make-token'; bot: PublicUser | null };

const OVERVIEW: Page = { name: 'overview' };

interface ProgramsProps {
  onClose(): void;
  onBack(): void;
}

/** The pages about the programs that write as the user or as a bot of theirs. */
export function Programs({ onClose, onBack }: ProgramsProps) {
  const { programs } = useAccount();
  const [page, setPage] = useState<Page>(OVERVIEW);
  const [notice, setNotice] = useState('');
  const [bots] = useState(() => programs.bots());
  const go = (next: Page, said = '') => {
    setPage(next);
    setNotice(said);
  };
  const toBots = (said = '') => {
    void bots.load();
    go(OVERVIEW, said);
  };
  switch (page.name) {
    case 'overview':
      return (
        <Dialog title="Bots and tokens" onClose={onClose} onBack={onBack}>
          <DoneLine text={notice} />
          <Overview bots={bots} onPage={go} />
        </Dialog>
      );
    case 'make-bot':
      return (
        <Dialog title="Make a bot" onClose={onClose} onBack={() => go(OVERVIEW)}>
          <MakeBot
            onMade={(bot) => {
              void bots.load();
              go({ name: 'bot', bot }, 'Your bot is there. Make a token for its program.');
            }}
          />
        </Dialog>
      );
    case 'bot':
      return (
        <BotPage
          bot={page.bot}
          notice={notice}
          onClose={onClose}
          onBack={() => toBots()}
          onRenamed={(bot) => go({ name: 'bot', bot }, 'The name is saved.')}
          onToken={() => go({ name: 'make-token', bot: page.bot })}
          onErased={() => toBots(`${page.bot.username} is deleted.`)}
        />
      );
    case 'make-token':
      return (
        <MakeToken
          bot={page.bot}
          onClose={onClose}
          onBack={() => go(page.bot ? { name: 'bot', bot: page.bot } : OVERVIEW)}
        />
      );
  }
}

interface OverviewProps {
  bots: PagedList<PublicUser>;
  onPage(page: Page): void;
}

function Overview({ bots, onPage }: OverviewProps) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => void bots.load(), [bots]);
  const items = bots.items.value;
  const state = bots.state.value;
  return (
    <>
      <h3 class="invites-heading">Your bots</h3>
      <p class="form-note">
        A bot is a user as which a program writes. Who may add people to a room can add it there.
      </p>
      {state === 'failed' && (
        <LoadFailure error={bots.error.value} onAgain={() => void bots.load()} />
      )}
      {items.length === 0 && state === 'loading' && <p role="status">Loading…</p>}
      {items.length === 0 && state === 'loaded' && <p>You have no bot.</p>}
      {items.length > 0 && (
        <ul class="account-places" ref={list} aria-label="Your bots">
          {items.map((bot) => (
            <li key={bot.id}>
              <button
                type="button"
                class="account-place"
                onClick={() => onPage({ name: 'bot', bot })}
              >
                <Avatar {...bot} />
                <span class="login-text">
                  <bdi class="login-name">{bot.display_name}</bdi>{' '}
                  <bdi class="login-detail">@{bot.username}</bdi>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <MoreButton list={bots}>Show more</MoreButton>
      <button type="button" class="button wide" onClick={() => onPage({ name: 'make-bot' })}>
        Make a bot
      </button>
      <h3 class="invites-heading">Your own tokens</h3>
      <p class="form-note">
        With a token a program does what you may do, as far as the token says.
      </p>
      <TokenList of={null} />
      <button
        type="button"
        class="button wide"
        onClick={() => onPage({ name: 'make-token', bot: null })}
      >
        Make a token
      </button>
      <ConsumerList of={null} heading="Your own consumers" />
    </>
  );
}
