/** What the page offers to do with a message. The server decides (policy.py). Pure. */

import type { MessageEntry } from 'tailwire-client/rooms/timeline';
import type { Role, Room } from 'tailwire-client/wire/protocol';
import { closedBy, GOVERNS, isGovernor } from './permissions';

export type Action =
  | 'react'
  | 'reply'
  | 'thread'
  | 'edit'
  | 'pin'
  | 'unpin'
  | 'unread'
  | 'copy'
  | 'link'
  | 'forward'
  | 'previews'
  | 'edits'
  | 'reactors'
  | 'person'
  | 'report'
  | 'delete';

/** The keys that do it where a message has the focus. */
export const KEYS: Partial<Record<Action, string>> = {
  react: '+',
  reply: 'r',
  thread: 't',
  edit: 'e',
  pin: 'p',
  unpin: 'p',
  unread: 'u',
  copy: 'c',
  link: 'l',
  forward: 'f',
  person: 'i',
  delete: 'Delete',
};

/** The action of a key, out of those that are offered. */
export function actionOf(key: string, offered: readonly Action[]): Action | undefined {
  const named = key === 'Backspace' ? 'Delete' : key;
  return offered.find((action) => KEYS[action] === named);
}

/** What the user may do in a room, as far as the server can do it. */
export interface Abilities {
  reply: boolean;
  react: boolean;
  edit: boolean;
  delete: boolean;
  pin: boolean;
  thread: boolean;
  report: boolean;
}

/** `features` are those that `ready` names. */
export function abilitiesIn(room: Room, features: ReadonlySet<string>): Abilities {
  const closed = closedBy(room);
  // Where only moderators write, the others still react.
  const changes = closed === null || closed === 'role';
  return {
    reply: closed === null,
    react: changes && features.has('react'),
    edit: changes && features.has('edit'),
    delete: room.role !== null && features.has('delete'),
    pin: changes && isGovernor(room) && features.has('pin'),
    thread: features.has('threads'),
    report: features.has('reports'),
  };
}

interface Asked {
  entry: MessageEntry;
  room: Room;
  abilities: Abilities;
  me: string;
  /** The role of the author; null for who is no member, undefined where it is not known. */
  authorRole: Role | null | undefined;
}

/** The actions that are offered for a message, in the order in which a menu shows them. */
export function actionsFor({ entry, room, abilities, me, authorRole }: Asked): Action[] {
  const inThread = entry.thread !== null || entry.reply_count > 0;
  if (entry.deleted) return abilities.thread && inThread ? ['thread', 'link'] : ['link'];
  const isOwn = entry.user_id === me;
  const mayDelete = abilities.delete && (isOwn || governs(room.role, authorRole));
  const offers: [Action, boolean][] = [
    ['react', abilities.react],
    ['reply', abilities.reply],
    ['thread', abilities.thread && (abilities.reply || inThread)],
    ['edit', abilities.edit && isOwn],
    [entry.pinned ? 'unpin' : 'pin', abilities.pin],
    ['unread', true],
    ['copy', true],
    ['link', true],
    ['forward', true],
    ['previews', mayDelete && entry.previews.length > 0],
    ['edits', entry.edited_at !== null],
    ['reactors', entry.reactions.length > 0],
    ['person', true],
    ['report', abilities.report && !isOwn],
    ['delete', mayDelete],
  ];
  return offers.filter(([, isOffered]) => isOffered).map(([action]) => action);
}

/**
 * Whether a member with this role may delete the messages of an author. A moderator may delete those of
 * people who have left. In a large room not every role is known: then it is offered, and the server says.
 */
function governs(mine: Role | null, theirs: Role | null | undefined): boolean {
  const governed = mine ? GOVERNS[mine] : [];
  return theirs ? governed.includes(theirs) : governed.length > 0;
}
