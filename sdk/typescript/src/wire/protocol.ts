/** The names and shapes of docs/protocol.md. No state, no I/O. */

import type { FileShown } from './files.ts';
import {
  type Check,
  type Fields,
  fits,
  flag,
  list,
  maybe,
  number,
  object,
  type Shape,
  text,
  whole,
} from './shape.ts';
import type { ShownAs } from './shown_as.ts';

export interface Position {
  epoch: string;
  seq: number;
}

export interface PublicUser {
  id: string;
  username: string;
  display_name: string;
}

/** All that others may know of a user. What an older server does not tell is missing. */
export interface Profile extends PublicUser {
  status_text?: string | null;
  /** The name of a time zone, such as Europe/Vienna. */
  time_zone?: string | null;
  online?: boolean;
  /** Whether a program writes as this user. */
  is_bot?: boolean;
}

/** A user as they see themselves. Older servers do not say who is an administrator. */
export interface Me extends PublicUser {
  admin?: boolean;
}

/** What anybody may know of a server. */
export interface Server {
  name: string;
  version: string;
  /** Who may sign up: everybody, who has an invite, or nobody. */
  signup: 'open' | 'invite' | 'closed';
}

export interface InviteTerms {
  invite_id: string;
  created_at: string;
  expires_at: string | null;
  max_uses: number;
  uses_left: number;
}

export interface Invite extends InviteTerms {
  /** Whether it makes administrators. */
  admin: boolean;
}

/** An invite that was just made. Its code and its link are not shown again. */
export type Made<Invite> = Invite & { code: string; url: string };

export interface Tokens {
  access_token: string;
  token_type: string;
  expires_in: number;
  /** Null where the refresh token is in a cookie. */
  refresh_token: string | null;
}

/** A session of the user, on this or another device. */
export interface Login {
  id: string;
  created_at: string;
  last_used_at: string;
  user_agent: string;
  /** Whether it is the session of this page. */
  current: boolean;
}

export type Role = 'owner' | 'moderator' | 'member' | 'reader';
export type Visibility = 'public' | 'private';

export interface Reaction {
  emoji: string;
  /** How many users have reacted with it. Older servers name all of them instead. */
  count?: number;
  /** The first of them. */
  user_ids: string[];
}

export interface Message {
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
  ref?: string | null;
  body: string;
  reply_to?: number | null;
  thread?: number | null;
  edited_at?: string | null;
  deleted?: boolean;
  pinned?: boolean;
  reactions?: Reaction[];
  reply_count?: number;
  last_reply_at?: string | null;
  /** The ids of the users whom it mentions. */
  mentions?: readonly string[] | null;
  /** Whether it mentions everybody in the room. */
  mentions_all?: boolean | null;
  /** Whether a bot wrote it. */
  is_bot?: boolean | null;
  shown_as?: ShownAs | null;
  files?: readonly FileShown[] | null;
}

/** What of a room the user is notified of. */
export type NotifyLevel = 'all' | 'mentions' | 'none';

export interface Notify {
  level: NotifyLevel;
  /** Until then of nothing, whatever the level; null where it is not muted. */
  muted_until: string | null;
}

/** A text that a message was sent with, or was given by an edit. */
export interface MessageText {
  seq: number;
  at: string;
  body: string;
}

/** A user who reacted to a message. */
export interface Reactor {
  user_id: string;
  username: string;
}

export interface EditsPage {
  /** The message as it was sent; null where it is deleted. */
  original: MessageText | null;
  /** The edits, the oldest first. */
  items: MessageText[];
  has_more: boolean;
}

/** Where the user keeps a room in their list. */
export interface Place {
  favourite: boolean;
  /** The section of the user's own that it is in; null for none. */
  section: string | null;
  hidden: boolean;
}

/** What an owner sets of a room. What an older server does not know is missing. */
export interface RoomSettings {
  name: string;
  topic?: string | null;
  visibility: Visibility;
  /** Nobody writes in it any more. */
  archived?: boolean | null;
  /** So long a member waits between two messages; 0 for not at all. */
  slow_seconds?: number | null;
  /** The lowest role with which one may write. */
  post_role?: Role | null;
}

/** The id of the room that everybody is a member of. */
export const LOBBY = 'lobby';

export interface Room extends RoomSettings {
  id: string;
  /** A direct room is between its `users` only, the user included, and has no name. Older servers have no such rooms. */
  kind?: 'room' | 'direct';
  users?: readonly PublicUser[];
  created_at: string;
  role: Role | null;
  epoch: string;
  seq: number;
  read_seq: number | null;
  /** At most 999, which means that many or more. Null while it is not known. */
  unread_count: number | null;
  /** The first unread message. The page may know only that none is before this seq. */
  first_unread_seq?: number | null;
  /**
   * How many of the unread messages mention the user, at most 999. Null while it is not known; missing
   * where the server does not tell.
   */
  mention_count?: number | null;
  /** Null for who is no member; missing where the server does not tell. */
  notify?: Notify | null;
  /** Null for who is no member; missing where the server does not tell. */
  place?: Place | null;
  last_message?: Message | null;
  /** Missing where the server does not tell. */
  member_count?: number | null;
}

export interface Member {
  user_id: string;
  username: string;
  display_name: string;
  /** Whether a program writes as this user. */
  is_bot?: boolean;
  role: Role;
  joined_at: string;
  online?: boolean;
  /** How far they have read; null or missing where the server does not tell it. */
  read_seq?: number | null;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** The items of a page with the entries between the messages. A message may come without a type. */
export type HistoryItem =
  | (Message & { type?: 'message' })
  | Extract<KnownEntry, { type: 'member' | 'room' }>;

export interface HistoryPage {
  items: HistoryItem[];
  epoch: string;
  has_more: boolean;
}

// The server may know more roles than this page. It shows their names as they are.
const role = text as Check<Role>;
const visibility = text as Check<Visibility>;
const notifyLevel = text as Check<NotifyLevel>;

/** What every entry of a room's log has, also one of a kind that this page does not know. */
const PLACE = { room_id: text, seq: whole };
const ENVELOPE = { ...PLACE, at: text, user_id: text, username: text };

/** The kinds of entries that this page knows, and what each has besides its envelope. */
const KINDS = {
  message: {
    ref: maybe(text),
    body: text,
    reply_to: maybe(whole),
    thread: maybe(whole),
    mentions: maybe(list(text)),
    mentions_all: maybe(flag),
    is_bot: maybe(flag),
    shown_as: maybe(object<ShownAs>()),
    files: maybe(list(object<FileShown>())),
  },
  edit: { target: whole, body: text, mentions: maybe(list(text)), mentions_all: maybe(flag) },
  delete: { target: whole, thread: maybe(whole) },
  reaction: { target: whole, emoji: text, added: flag },
  pin: { target: whole, pinned: flag },
  member: {
    role: maybe(role),
    by: maybe(text),
    returns_as: maybe(role),
    banned: maybe(flag),
    was: maybe(role),
    display_name: maybe(text),
    is_bot: maybe(flag),
  },
  room: {
    name: text,
    topic: maybe(text),
    visibility,
    archived: maybe(flag),
    slow_seconds: maybe(whole),
    post_role: maybe(role),
    deleted: maybe(flag),
  },
};

/** The events that are no entries: nothing of them is in the log. */
const EVENTS = {
  ready: {
    user: object<PublicUser>(),
    heartbeat_seconds: number,
    limits: maybe(object<Limits>()),
    features: maybe(list(text)),
  },
  ack: { ref: text, room_id: maybe(text), epoch: maybe(text), seq: maybe(whole), at: maybe(text) },
  error: {
    ref: maybe(text),
    code: text,
    message: maybe(text),
    retry_after_seconds: maybe(number),
  },
  live: { ...PLACE, epoch: text },
  reset: { ...PLACE, epoch: text },
  presence: { user_id: text, online: flag },
  notice: { ...PLACE, epoch: text, mention: flag },
  typing: { room_id: text, user_id: text, username: text },
  read: { room_id: text, user_id: text, username: text, epoch: text, read_seq: whole },
  notifications: { room_id: text, user_id: text, level: notifyLevel, muted_until: maybe(text) },
  place: { room_id: text, favourite: flag, section: maybe(text), hidden: flag },
  user: { user_id: text, username: text, display_name: text },
  membership: { room_id: text, role: maybe(role), reason: maybe(text), by: maybe(text) },
  webhook_paused: { room_id: text, webhook_id: text, paused_by: text },
  expiring: {},
  pong: {},
  heartbeat: {},
};

export interface Limits {
  body_characters?: number;
  subscriptions?: number;
  /** The greatest size of a file, in bytes. */
  file_bytes?: number;
}

type Kinds = typeof KINDS;
type Events = typeof EVENTS;

export type KnownEntry = {
  [K in keyof Kinds]: { type: K } & Fields<typeof ENVELOPE> & Fields<Kinds[K]>;
}[keyof Kinds];

/** An entry of a kind that this page does not know, or that the server cannot read. */
export interface UnreadableEntry {
  type: 'unreadable';
  room_id: string;
  seq: number;
}

export type EntryEvent = KnownEntry | UnreadableEntry;
export type ServerEvent =
  | EntryEvent
  | { [T in keyof Events]: { type: T } & Fields<Events[T]> }[keyof Events];
export type ReadyEvent = Extract<ServerEvent, { type: 'ready' }>;
export type ErrorEvent = Extract<ServerEvent, { type: 'error' }>;
export type MembershipEvent = Extract<ServerEvent, { type: 'membership' }>;
export type NoticeEvent = Extract<ServerEvent, { type: 'notice' }>;
export type PlaceEvent = Extract<ServerEvent, { type: 'live' | 'reset' }>;

/**
 * Returns the event in a frame, or null where this page does not know it or cannot trust it. An
 * entry is always returned.
 */
export function parseEvent(frame: unknown): ServerEvent | null {
  const fields = objectIn(frame);
  if (fields === null || typeof fields.type !== 'string') return null;
  const shape = own(EVENTS, fields.type);
  if (shape) return fits(fields, shape) ? (fields as ServerEvent) : null;
  return parseEntry(fields, fields.type);
}

/**
 * An entry has a place in a room's log and the key `at`. Each entry moves the position of the room
 * by one, so an entry that cannot be read is returned as `unreadable`.
 */
function parseEntry(fields: Record<string, unknown>, type: string): EntryEvent | null {
  if (!Object.hasOwn(fields, 'at') || !fits(fields, PLACE)) return null;
  const kind = own(KINDS, type);
  if (kind && fits(fields, { ...ENVELOPE, ...kind })) return fields as EntryEvent;
  const { room_id, seq } = fields as Fields<typeof PLACE>;
  return { type: 'unreadable', room_id, seq };
}

/** Whether the event is part of a room's log. */
export function isEntry(event: ServerEvent): event is EntryEvent {
  return own(EVENTS, event.type) === undefined;
}

function objectIn(frame: unknown): Record<string, unknown> | null {
  if (typeof frame !== 'string') return null;
  try {
    const value: unknown = JSON.parse(frame);
    return typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown> | null)
      : null;
  } catch {
    return null;
  }
}

/** The row of a table with this name. A type such as "constructor" has none. */
function own(table: Record<string, Shape>, name: string): Shape | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
