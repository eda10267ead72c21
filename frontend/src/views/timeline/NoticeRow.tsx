import type { Row } from '../../rooms/rows';
import type { NoticeEntry } from '../../rooms/timeline';
import type { Role } from '../../wire/protocol';
import { Name } from '../parts/Name';

/** What happened in the room between two messages. */
export function NoticeRow({ row }: { row: Extract<Row, { kind: 'notice' }> }) {
  return (
    <p class="notice" data-key={row.key} data-seq={row.entry.seq}>
      <Name of={row.entry} /> {noticeText(row.entry)}
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
function noticeText({ notice }: NoticeEntry): string {
  if (notice.type === 'room')
    return `changed the room: ${notice.name}${notice.topic ? `, ${notice.topic}` : ''}`;
  const { role, was, by_self } = notice;
  if (!role) return by_self ? 'left' : 'was removed';
  if (was) return BECAME[role];
  return by_self ? ENTERED[role] : ADDED[role];
}
