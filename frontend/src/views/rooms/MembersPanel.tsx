import { useEffect, useRef, useState } from 'preact/hooks';
import { onKeys } from '../../browser/keys';
import type { Names } from '../../rooms/names';
import { canManage, rolesToGive } from '../../rooms/permissions';
import type { Member, Role, Room } from '../../wire/protocol';
import { Avatar } from '../parts/Avatar';
import { useSession } from '../parts/context';
import { Icon } from '../parts/Icon';
import { WIDE } from '../parts/media';
import { Name } from '../parts/Name';
import { AddMember } from './AddMember';
import { ManageMember } from './ManageMember';
import { ROLE } from './Role';

export function MembersPanel({ room, onClose }: { room: Room; onClose(): void }) {
  const { members, names } = useSession();
  const list = members.of(room.id);
  useEffect(() => void members.load(room.id), [members, room.id]);
  const [adding, setAdding] = useState(false);
  const [managed, setManaged] = useState<string | null>(null);
  const closeButton = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!window.matchMedia(WIDE).matches) closeButton.current?.focus();
  }, []);
  const known = list?.members ?? [];
  const chosen = known.find(({ user_id }) => user_id === managed);
  const count = `${known.length}${list?.more ? '+' : ''}`;
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
            Members {known.length > 0 && <span class="members-count">{count}</span>}
          </h2>
          {rolesToGive(room).length > 0 && (
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
        {list?.state === 'failed' && known.length === 0 && (
          <p class="room-list-note">
            The members cannot be loaded.{' '}
            <button type="button" class="link-button" onClick={() => void members.load(room.id)}>
              Try again
            </button>
          </p>
        )}
        {known.length === 0 && list?.state === 'loading' && (
          <p class="room-list-note" role="status">
            Loading members…
          </p>
        )}
        <ul class="members-list">
          {sorted(known, names).map((member) => (
            <li class="member" key={member.user_id}>
              <span class="member-avatar">
                <Avatar username={member.username} />
                {member.online && <span class="online-dot" />}
              </span>
              <span class="member-names">
                <span class="member-name">
                  <Name of={member} />
                </span>
                <span class="member-detail">
                  <span class="member-username">
                    <bdi>@{member.username}</bdi>
                    {member.online && <span class="visually-hidden">, online</span>}
                  </span>
                  {member.role !== 'member' && <span class="role">{ROLE[member.role].title}</span>}
                </span>
              </span>
              {canManage(room, member, known) && (
                <button
                  type="button"
                  class="icon-button"
                  aria-label={`Manage ${names.of(member)}`}
                  title="Role and removal"
                  onClick={() => setManaged(member.user_id)}
                >
                  <Icon name="more" />
                </button>
              )}
            </li>
          ))}
        </ul>
        {list?.more && <p class="room-list-note">And more.</p>}
      </aside>
      {adding && <AddMember room={room} onClose={() => setAdding(false)} />}
      {chosen && <ManageMember room={room} member={chosen} onClose={() => setManaged(null)} />}
    </>
  );
}

const RANK: Record<Role, number> = { owner: 0, moderator: 1, member: 2, reader: 3 };

function sorted(members: readonly Member[], names: Names): Member[] {
  return [...members].sort(
    (a, b) =>
      Number(b.online ?? false) - Number(a.online ?? false) ||
      RANK[a.role] - RANK[b.role] ||
      names.of(a).localeCompare(names.of(b)),
  );
}
