/** What a user may do by their role in a room. The server decides (policy.py). Pure. */
import type { Role, Room } from 'tailwire-client/wire/protocol';

// tests/test_docs.py compares this table with the server's.
export const GOVERNS: Record<Role, readonly Role[]> = {
  owner: ['owner', 'moderator', 'member', 'reader'],
  moderator: ['member', 'reader'],
  member: [],
  reader: [],
};

/** Whether this user is an owner or a moderator. */
export function isGovernor({ role }: Pick<Room, 'role'>): boolean {
  return role === 'owner' || role === 'moderator';
}

/** Why this user may not write in the room; null where they may. */
export function closedBy(room: Room): 'archived' | 'role' | 'reader' | null {
  if (room.archived) return 'archived';
  if (room.role === null || room.role === 'reader') return 'reader';
  return room.post_role === 'moderator' && !isGovernor(room) ? 'role' : null;
}

/** How many seconds this user waits between two messages. */
export function slowness(room: Room): number {
  return isGovernor(room) ? 0 : (room.slow_seconds ?? 0);
}
