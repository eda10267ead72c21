/** Which changes of roles the page offers. The server decides (policy.py). Pure. */
import type { Member, Role, Room } from '../wire/protocol';

export const LOBBY = 'lobby';

// tests/test_docs.py compares this table with the server's.
export const GOVERNS: Record<Role, readonly Role[]> = {
  owner: ['owner', 'moderator', 'member', 'reader'],
  moderator: ['member', 'reader'],
  member: [],
  reader: [],
};

/** The roles that this user may give to others in a room; often none. */
export function rolesToGive(room: Room): readonly Role[] {
  return room.role ? GOVERNS[room.role] : [];
}

/** Whether this user is offered to invite people to the room by a link. */
export function mayInvite(room: Room, features: ReadonlySet<string>): boolean {
  const { kind, role } = room;
  return features.has('invites') && kind !== 'direct' && (role === 'owner' || role === 'moderator');
}

/** Whether this user may change a member's role. The last owner must stay an owner. */
export function canManage(room: Room, member: Member, members: readonly Member[]): boolean {
  if (!rolesToGive(room).includes(member.role)) return false;
  return !isLastOwner(member, members);
}

/** Whether this user may remove a member. Users leave by themselves in another way. */
export function canRemove(room: Room, member: Member, me: string): boolean {
  return room.id !== LOBBY && member.user_id !== me && rolesToGive(room).includes(member.role);
}

export function isLastOwner({ role }: Member, members: readonly Member[]): boolean {
  return role === 'owner' && members.filter((one) => one.role === 'owner').length === 1;
}
