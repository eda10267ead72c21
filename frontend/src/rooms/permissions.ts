/** Who may change whose role: api/rooms/policy.py decides it, and this only says what is worth offering. Pure. */
import type { Member, Role, Room } from '../wire/protocol';

export const LOBBY = 'lobby';

// tests/test_docs.py holds it to the server's table.
export const GOVERNS: Record<Role, readonly Role[]> = {
  owner: ['owner', 'moderator', 'member', 'reader'],
  moderator: ['member', 'reader'],
  member: [],
  reader: [],
};

/** The roles that this user may give in a room; none for most. */
export function rolesToGive(room: Room): readonly Role[] {
  return room.role ? GOVERNS[room.role] : [];
}

/** Whether this user may change a member's role: the last owner stays one. */
export function canManage(room: Room, member: Member, members: readonly Member[]): boolean {
  if (!rolesToGive(room).includes(member.role)) return false;
  return !isLastOwner(member, members);
}

/** Whether a member may be removed by this user, who leaves a room in another way. */
export function canRemove(room: Room, member: Member, me: string): boolean {
  return room.id !== LOBBY && member.user_id !== me && rolesToGive(room).includes(member.role);
}

export function isLastOwner({ role }: Member, members: readonly Member[]): boolean {
  return role === 'owner' && members.filter((one) => one.role === 'owner').length === 1;
}
