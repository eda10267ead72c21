import type { NoticeEntry } from 'tailwire-client/rooms/timeline';
import type { Role } from 'tailwire-client/wire/protocol';
import type { Row } from '../../rooms/rows';
import { useApp } from '../parts/context';
import { Name } from '../parts/Name';
import { loadMessageViews } from './load';

/** What happened in the room between two messages. */
export function NoticeRow({ row }: { row: Extract<Row, { kind: 'notice' }> }) {
  const { entry, before } = row;
  const Changes = useApp().parts.of(loadMessageViews).value?.RoomNotice;
  const { notice } = entry;
  return (
    <p class="notice" data-key={row.key} data-seq={entry.seq}>
      <Name of={entry} />{' '}
      {notice.type === 'member' ? (
        memberText(notice)
      ) : Changes ? (
        <Changes now={notice} before={before} />
      ) : (
        'changed the room'
      )}
    </p>
  );
}

const BECAME: Record<Role, string> = {
  owner: 'is now an owner',
  moderator: 'is now a moderator',
  member: 'is now a member',
  reader: 'may now read along',
};

/** Whoever enters by themselves as an owner is who made the room. */
const ENTERED: Record<Role, string> = {
  owner: 'made this room',
  moderator: 'joined',
  member: 'joined',
  reader: 'joined, and may read along',
};

const ADDED: Record<Role, string> = {
  owner: 'was added as an owner',
  moderator: 'was added as a moderator',
  member: 'was added',
  reader: 'was added, and may read along',
};

/** The text that follows the user's name. */
function memberText(notice: Extract<NoticeEntry['notice'], { type: 'member' }>): string {
  const { role, was, by_self, banned } = notice;
  if (banned) return 'was banned';
  if (!role && !was && !by_self) return 'may come back';
  if (!role) return by_self ? 'left' : 'was removed';
  if (was) return BECAME[role];
  return by_self ? ENTERED[role] : ADDED[role];
}
