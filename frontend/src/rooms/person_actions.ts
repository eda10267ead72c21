/** What the page offers to do with a person in a room. The server decides (policy.py). Pure. */
import type { Member, Room } from 'tailwire-client/wire/protocol';
import { canBan, canManage, canRemove, rolesToGive } from './governing';
import { closedBy, isGovernor } from './permissions';

export type PersonAction =
  | 'direct'
  | 'mention'
  | 'role'
  | 'remove'
  | 'ban'
  | 'messages'
  | 'block'
  | 'unblock';

interface Asked {
  room: Room;
  user_id: string;
  /** Null for who is no member; undefined where it is not known. */
  member: Member | null | undefined;
  /** All members of the room that are known. */
  members: readonly Member[];
  me: string;
  isBlocked: boolean;
  /** Nobody reads what is written to them: a hook writes as them, or it is not known yet whether one does. */
  isDeaf: boolean;
  features: ReadonlySet<string>;
}

/** The actions that are offered for a person, in the order in which their card shows them. */
export function personActions(asked: Asked): PersonAction[] {
  const { room, user_id, member, members, me, isBlocked, isDeaf, features } = asked;
  if (user_id === me) return [];
  const isDirect = room.kind === 'direct';
  const isPair = isDirect && room.member_count === 2;
  // Moderators act on those whom they govern, and on who is no member.
  const governs = member ? rolesToGive(room).includes(member.role) : isGovernor(room);
  const offers: [PersonAction, boolean][] = [
    ['direct', features.has('direct') && !isBlocked && !isDeaf && !isPair],
    ['mention', features.has('mentions') && !isDeaf && !closedBy(room) && Boolean(member)],
    ['role', !isDirect && Boolean(member && canManage(room, member, members))],
    ['remove', Boolean(member && canRemove(room, member, me))],
    ['ban', features.has('bans') && canBan(room) && governs],
    ['messages', features.has('bans') && !isDirect && isGovernor(room) && governs],
    ['block', features.has('blocks') && !isBlocked],
    ['unblock', features.has('blocks') && isBlocked],
  ];
  return offers.filter(([, isOffered]) => isOffered).map(([action]) => action);
}
