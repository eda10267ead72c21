import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Room } from 'tailwire-client/wire/protocol';
import { onKeys } from '../../browser/keys';
import { canManage, rolesToGive } from '../../rooms/governing';
import { MemberSearch } from '../../rooms/member_search';
import { useSession } from '../parts/context';
import { Icon } from '../parts/Icon';
import { LoadFailure } from '../parts/LoadFailure';
import { MoreButton } from '../parts/MoreButton';
import { WIDE } from '../parts/media';
import { AddMember } from './AddMember';
import { MemberItem, sorted } from './MemberItem';
import { PersonDialog } from './PersonDialog';

export function MembersPanel({ room, onClose }: { room: Room; onClose(): void }) {
  const { clock, members, presence, requests, titles } = useSession();
  const list = members.of(room.id);
  useEffect(() => void members.load(room.id), [members, room.id]);
  const search = useMemo(
    () => new MemberSearch(requests, clock, room.id),
    [requests, clock, room.id],
  );
  const [wanted, setWanted] = useState('');
  const [adding, setAdding] = useState(false);
  const [managed, setManaged] = useState<string | null>(null);
  const closeButton = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!window.matchMedia(WIDE).matches) closeButton.current?.focus();
  }, []);
  const known = list?.members ?? [];
  const isSearch = wanted.trim() !== '';
  // What is known of a member here is newer than what the search found.
  const found = search.items.value.map(
    (one) => known.find(({ user_id }) => user_id === one.user_id) ?? one,
  );
  const shown = isSearch ? found : sorted(known, titles, presence);
  const state = isSearch ? search.state.value : (list?.state ?? 'loading');
  const count = room.member_count ?? known.length;
  const ids = shown.map(({ user_id }) => user_id).join(' ');
  useEffect(() => presence.show(ids.split(' ').filter(Boolean)), [presence, ids]);
  const again = () => void (isSearch ? search.load() : members.load(room.id));
  // The dialogs are beside the panel: an Escape that closes one of them does not reach the panel.
  return (
    <>
      <aside
        class="members"
        aria-labelledby="members-title"
        onKeyDown={onKeys((event) => event.key === 'Escape' && onClose())}
      >
        <header class="members-head">
          <h2 id="members-title">
            Members{' '}
            {count > 0 && (
              <span class="members-count">
                {count}
                {room.member_count == null && list?.more && '+'}
              </span>
            )}
          </h2>
          {rolesToGive(room).length > 0 && room.kind !== 'direct' && (
            <button
              type="button"
              class="icon-button"
              aria-label="Add someone"
              title="Add someone"
              onClick={() => setAdding(true)}
            >
              <Icon name="plus" />
            </button>
          )}
          <button
            ref={closeButton}
            type="button"
            class="icon-button members-close"
            aria-label="Close members"
            onClick={onClose}
          >
            <Icon name="close" />
          </button>
        </header>
        {/* biome-ignore lint/a11y/useSemanticElements: browsers of 2022 know no <search> */}
        <div role="search" class="members-search">
          <input
            class="search"
            type="search"
            placeholder="Find a member"
            aria-label="Find a member by name"
            onInput={({ currentTarget: { value } }) => {
              setWanted(value);
              search.look(value);
            }}
          />
        </div>
        {state === 'failed' && shown.length === 0 && (
          <LoadFailure error="The members cannot be loaded." onAgain={again} />
        )}
        <p class="room-list-note" role="status">
          {shown.length === 0 && state === 'loading' && 'Loading members…'}
          {shown.length === 0 && isSearch && state === 'loaded' && 'Nobody here is called so.'}
        </p>
        <ul class="members-list">
          {shown.map((member) => (
            <MemberItem
              key={member.user_id}
              room={room}
              member={member}
              onManage={
                canManage(room, member, known) ? () => setManaged(member.user_id) : undefined
              }
            />
          ))}
        </ul>
        {isSearch && <MoreButton list={search}>Show more</MoreButton>}
        {!isSearch && list?.more && (
          <p class="room-list-note">There are more. Find them by their names.</p>
        )}
      </aside>
      {adding && <AddMember room={room} onClose={() => setAdding(false)} />}
      {managed && (
        <PersonDialog
          room={room}
          user_id={managed}
          first="role"
          onClose={() => {
            setManaged(null);
            if (isSearch) void search.load();
          }}
        />
      )}
    </>
  );
}
