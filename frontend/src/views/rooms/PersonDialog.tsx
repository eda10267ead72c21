import { useState } from 'preact/hooks';
import type { Hook } from 'tailwire-client/wire/hooks';
import type { Member, Profile, Room } from 'tailwire-client/wire/protocol';
import { hookOf } from '../../rooms/hooks';
import { memberNamed } from '../../rooms/member_search';
import type { PersonAction } from '../../rooms/person_actions';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { LoadFailure } from '../parts/LoadFailure';
import { useLoaded } from '../parts/loaded';
import { BanPerson } from './BanPerson';
import { BlockPerson } from './BlockPerson';
import { ChangeRole } from './ChangeRole';
import { DeleteMessages } from './DeleteMessages';
import { PersonCard } from './PersonCard';
import { RemoveMember } from './RemoveMember';

/** The card, or one of the things that are done from it. */
export type PersonPage = 'card' | Exclude<PersonAction, 'direct' | 'mention' | 'unblock'>;

/** What the pages about a person are given. */
export interface PersonProps {
  room: Room;
  profile: Profile;
  /** Null for who is no member of the room. */
  member: Member | null;
  /** How they are called. */
  name: string;
  /** The hook that writes as them; null where none does, undefined where it is not known yet. */
  hook: Hook | null | undefined;
  onPage(page: PersonPage): void;
  /** Goes back to the first page, or closes it. */
  onBack(): void;
  onClose(): void;
}

const PAGES = {
  card: PersonCard,
  role: ChangeRole,
  remove: RemoveMember,
  ban: BanPerson,
  messages: DeleteMessages,
  block: BlockPerson,
} satisfies Record<PersonPage, (props: PersonProps) => unknown>;

const TITLES: Record<PersonPage, (name: string) => string> = {
  card: (name) => name,
  role: (name) => name,
  remove: (name) => `Remove ${name}?`,
  ban: (name) => `Ban ${name}?`,
  messages: (name) => `Delete what ${name} wrote?`,
  block: (name) => `Block ${name}?`,
};

interface PersonDialogProps {
  room: Room;
  user_id: string;
  /** The page that is open at first. */
  first: PersonPage;
  onClose(): void;
}

/** The card about a person, and what moderators do with them. */
export function PersonDialog({ room, user_id, first, onClose }: PersonDialogProps) {
  const { features, members, requests, titles, users } = useSession();
  const [page, setPage] = useState(first);
  const list = members.of(room.id);
  const listed = list?.members.find((member) => member.user_id === user_id);
  const { value, failed, again } = useLoaded(async () => {
    const profile = await users.get(user_id);
    const isWhole = list?.state === 'loaded' && !list.more;
    const member =
      listed || isWhole ? null : await memberNamed(requests, room.id, profile.username);
    const mayBeHook = profile.is_bot && features.value.has('hooks') && room.kind !== 'direct';
    const hook = mayBeHook ? await hookOf(requests, room.id, user_id) : null;
    return { profile, member, hook };
  }, user_id);
  // Of who is in the list the name is known at once.
  const profile = value?.profile ?? (listed && { ...listed, id: user_id });
  if (!profile)
    return (
      <Dialog title="About somebody" onClose={onClose}>
        {failed ? (
          <LoadFailure
            error="This cannot be loaded. They may have erased their account."
            onAgain={again}
          />
        ) : (
          <p role="status">Loading…</p>
        )}
      </Dialog>
    );
  const name = titles.nameOf(profile);
  const Page = PAGES[page];
  const back = page === first ? onClose : () => setPage(first);
  return (
    <Dialog title={TITLES[page](name)} onClose={onClose} {...(page !== first && { onBack: back })}>
      <Page
        {...{ room, profile, name, onClose }}
        member={listed ?? value?.member ?? null}
        hook={profile.is_bot ? value?.hook : null}
        onPage={setPage}
        onBack={back}
      />
    </Dialog>
  );
}
