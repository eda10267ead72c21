/** What the page offers to do with a room and its members. The server decides (policy.py). Pure. */
import {
  LOBBY,
  type Member,
  type Role,
  type Room,
  type RoomSettings,
} from 'tailwire-client/wire/protocol';
import { GOVERNS, isGovernor } from './permissions';

type Setting = keyof RoomSettings;

const SETTINGS: Record<Role, readonly Setting[]> = {
  owner: ['name', 'topic', 'visibility', 'post_role', 'slow_seconds', 'archived'],
  moderator: ['topic', 'slow_seconds'],
  member: [],
  reader: [],
};
// Everybody is a member of the lobby, so it stays open.
const FIXED_IN_LOBBY: readonly Setting[] = ['visibility', 'archived'];

/** The settings of a room that this user may change. An archived room only comes back. */
export function settingsToChange(room: Room): readonly Setting[] {
  const may = room.role && room.kind !== 'direct' ? SETTINGS[room.role] : [];
  if (room.archived) return may.filter((one) => one === 'archived');
  return room.id === LOBBY ? may.filter((one) => !FIXED_IN_LOBBY.includes(one)) : may;
}

export function mayDelete(room: Room): boolean {
  return room.role === 'owner' && room.kind !== 'direct' && room.id !== LOBBY;
}

/** Whether this user is offered to invite people to the room by a link. */
export function mayInvite(room: Room, features: ReadonlySet<string>): boolean {
  return features.has('invites') && room.kind !== 'direct' && isGovernor(room);
}

/** Whether this user may make and end the incoming hooks of a room. */
export function mayManageHooks(room: Room): boolean {
  return room.kind !== 'direct' && !room.archived && isGovernor(room);
}

/** Whether this user may make, change and end the webhooks of a room. */
export function mayManageWebhooks(room: Room): boolean {
  return room.kind !== 'direct' && !room.archived && room.role === 'owner';
}

/** The roles that this user may give to others in a room; often none. */
export function rolesToGive(room: Room): readonly Role[] {
  return room.role ? GOVERNS[room.role] : [];
}

/** Whether this user may change a member's role. The last owner must stay an owner. */
export function canManage(room: Room, member: Member, members: readonly Member[]): boolean {
  if (!rolesToGive(room).includes(member.role)) return false;
  return !isLastOwner(member, members);
}

/** Whether this user may remove or ban a member. Users leave by themselves in another way. */
export function canRemove(room: Room, member: Member, me: string): boolean {
  return canBan(room) && member.user_id !== me && rolesToGive(room).includes(member.role);
}

/** Whether this user may ban anybody. From the lobby nobody is: there the account is disabled instead. */
export function canBan(room: Room): boolean {
  return room.id !== LOBBY && room.kind !== 'direct' && isGovernor(room);
}

export function isLastOwner({ role }: Member, members: readonly Member[]): boolean {
  return role === 'owner' && members.filter((one) => one.role === 'owner').length === 1;
}
