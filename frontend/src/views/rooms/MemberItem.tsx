import type { Member, Role, Room } from 'tailwire-client/wire/protocol';
import { personHash } from '../../browser/router';
import type { Presence } from '../../rooms/presence';
import type { Titles } from '../../rooms/titles';
import { Avatar } from '../parts/Avatar';
import { BotMark } from '../parts/BotMark';
import { useSession } from '../parts/context';
import { Icon } from '../parts/Icon';
import { ROLE } from './Role';

interface MemberItemProps {
  room: Room;
  member: Member;
  /** Undefined where the user may not change this member. */
  onManage: (() => void) | undefined;
}

/** One line of the list of members. */
export function MemberItem({ room, member, onManage }: MemberItemProps) {
  const { presence, titles } = useSession();
  const name = shownName(member, titles);
  const isOnline = presence.of(member.user_id);
  return (
    <li class="member">
      <span class="member-avatar">
        <Avatar
          username={member.is_bot ? name : member.username}
          id={member.user_id}
          avatar={member.avatar}
        />
        {isOnline && <span class="online-dot" />}
      </span>
      <span class="member-names">
        <a
          class="member-name"
          href={personHash(room.id, member.user_id)}
          title={`@${member.username}`}
        >
          <bdi>{name}</bdi>
        </a>
        <span class="member-detail">
          <span class="member-username">
            <bdi>@{member.username}</bdi>
            {isOnline && <span class="visually-hidden">, online</span>}
          </span>
          {member.is_bot && <BotMark />}
          {member.role !== 'member' && <span class="role">{ROLE[member.role].title}</span>}
        </span>
      </span>
      {onManage && (
        <button
          type="button"
          class="icon-button"
          aria-label={`Manage ${name}`}
          title="Role and removal"
          onClick={onManage}
        >
          <Icon name="more" />
        </button>
      )}
    </li>
  );
}

const RANK: Record<Role, number> = { owner: 0, moderator: 1, member: 2, reader: 3 };

/** Who is online comes first, then who governs, then by name. */
export function sorted(members: readonly Member[], titles: Titles, presence: Presence): Member[] {
  return [...members].sort(
    (a, b) =>
      Number(presence.of(b.user_id) ?? false) - Number(presence.of(a.user_id) ?? false) ||
      RANK[a.role] - RANK[b.role] ||
      shownName(a, titles).localeCompare(shownName(b, titles)),
  );
}

function shownName(member: Member, titles: Titles): string {
  return titles.nameOf({ ...member, id: member.user_id });
}
