/**
 * The records and events of docs/protocol.md, by the types that are made from the server's code. This
 * says what of them the page can do without, and checks what comes. No state, no I/O.
 */

import type { FileShown, LinkPreview } from './files.ts';
import type * as http from './generated/http.ts';
import type * as socket from './generated/socket.ts';
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

/** A record, of which an older server may leave out these fields. */
export type Lacking<T, Later extends keyof T> = Omit<T, Later> & Partial<Pick<T, Later>>;
/** A record, of which an older server may leave out these fields, or have null in their place. */
export type Lenient<T, Later extends keyof T> = Omit<T, Later> & { [N in Later]?: T[N] | null };

export type Position = socket.Position;
export type PublicUser = Lacking<
  Pick<http.UserOut, 'id' | 'username' | 'display_name' | 'avatar'>,
  'avatar'
>;

/** All that others may know of a user. */
export type Profile = Lacking<
  Lenient<http.FoundUser, 'status_text' | 'time_zone'>,
  'online' | 'is_bot' | 'avatar'
>;

/** A user as they see themselves. Older servers do not say who is an administrator. */
export type Me = PublicUser & Partial<Pick<http.Me, 'admin'>>;

/** What anybody may know of a server. */
export type Server = Pick<http.ServerOut, 'name' | 'version' | 'signup'>;

export type Invite = Omit<http.InviteOut, 'made_by'>;
export type InviteTerms = Omit<Invite, 'admin'>;

/** An invite that was just made. Its code and its link are not shown again. */
export type Made<Invite> = Invite & Pick<http.MadeInvite, 'code' | 'url'>;

/** The refresh token is null where it is in a cookie. */
export type Tokens = Omit<http.TokensOut, 'token_type'> & { token_type: string };

/** A session of the user, on this or another device. */
export type Login = http.SessionOut;

export type Role = http.Role;
export type Visibility = http.Visibility;

/** How many have reacted with an emoji, and the first of them. Older servers name all of them, and do not count. */
export type Reaction = Lacking<http.ReactionOut, 'count'>;

export type Message = Lenient<
  Lacking<
    Omit<http.MessageOut, 'reactions' | 'mentions' | 'shown_as' | 'files' | 'previews'>,
    | 'ref'
    | 'reply_to'
    | 'thread'
    | 'edited_at'
    | 'deleted'
    | 'pinned'
    | 'reply_count'
    | 'last_reply_at'
  >,
  'mentions_all' | 'is_bot'
> & {
  reactions?: Reaction[];
  /** The ids of the users whom it mentions. */
  mentions?: readonly string[] | null;
  shown_as?: ShownAs | null;
  files?: readonly FileShown[] | null;
  previews?: readonly LinkPreview[] | null;
};

/** What of a room the user is notified of. */
export type NotifyLevel = http.NotifyLevel;
/** It is muted until then, whatever the level; null where it is not muted. */
export type Notify = http.NotifyOut;

/** A text that a message was sent with, or was given by an edit. */
export type MessageText = Pick<http.EditOut, 'seq' | 'at' | 'body'>;

/** A user who reacted to a message. */
export type Reactor = Pick<http.ReactorOut, 'user_id' | 'username'>;

/** The message as it was sent, which is null where it is deleted, and its edits, the oldest first. */
export type EditsPage = Pick<http.EditsOut, 'has_more'> & {
  original: MessageText | null;
  items: MessageText[];
};

/** Where the user keeps a room in their list. */
export type Place = http.PlaceOut;

/** What an owner sets of a room. What an older server does not know is missing. */
export type RoomSettings = Lenient<
  Pick<
    http.RoomOut,
    'name' | 'topic' | 'visibility' | 'archived' | 'slow_seconds' | 'post_role' | 'avatar'
  >,
  'topic' | 'archived' | 'slow_seconds' | 'post_role' | 'avatar'
>;

/** The id of the room that everybody is a member of. */
export const LOBBY = 'lobby';

/** A room as the user sees it. What an older server does not tell is missing. */
export type Room = RoomSettings &
  Lenient<
    Pick<
      http.RoomOut,
      | 'id'
      | 'created_at'
      | 'role'
      | 'epoch'
      | 'seq'
      | 'first_unread_seq'
      | 'mention_count'
      | 'notify'
      | 'place'
      | 'member_count'
    >,
    'first_unread_seq' | 'mention_count' | 'notify' | 'place' | 'member_count'
  > & {
    /** A direct room is between its `users` only, the user included, and has no name. */
    kind?: http.RoomKind;
    users?: readonly PublicUser[];
    read_seq: number | null;
    /** At most 999, which means that many or more. Null while it is not known. */
    unread_count: number | null;
    last_message?: Message | null;
  };

export type Member = Lacking<http.MemberOut, 'is_bot' | 'online' | 'read_seq' | 'avatar'>;

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** The items of a page with the entries between the messages. A message may come without a type. */
export type HistoryItem =
  | (Message & { type?: 'message' })
  | Extract<KnownEntry, { type: 'member' | 'room' }>;

export type HistoryPage = Omit<http.TimelineOut, 'items'> & { items: HistoryItem[] };

// The server may know more roles than this page. It shows their names as they are.
const role = text as Check<Role>;
const visibility = text as Check<Visibility>;
const notifyLevel = text as Check<NotifyLevel>;

/** What every entry of a room's log has, also one of a kind that this page does not know. */
const PLACE = { room_id: text, seq: whole };
const ENVELOPE = { ...PLACE, at: text, user_id: text, username: text };

/**
 * A check for each field of an event, besides its envelope. So the compiler tells of a field that the
 * server sends and this page does not know.
 */
type Checks<E> = {
  [N in Exclude<keyof E, 'type' | keyof typeof ENVELOPE>]-?: Check<Wide<E[N]> | null | undefined>;
};
/** The type of a field without what may be new in it: other words, other fields of an inner record. */
type Wide<T> = T extends string
  ? string
  : T extends readonly unknown[]
    ? readonly unknown[]
    : T extends object
      ? object
      : T;
type KindsOfServer = Exclude<socket.Entry, socket.LaterEntry | socket.UnreadableEvent>;
type EventsOfServer = socket.OtherEvent;

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
  preview: {
    target: whole,
    previews: maybe(list(object<LinkPreview>())),
    removed: maybe(flag),
  },
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
    avatar: maybe(text),
    deleted: maybe(flag),
  },
} satisfies { [E in KindsOfServer as E['type']]: Checks<E> };

/** The events that are no entries: nothing of them is in the log. The page needs not all of their fields. */
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
  user: { user_id: text, username: text, display_name: text, avatar: maybe(text) },
  membership: { room_id: text, role: maybe(role), reason: maybe(text), by: maybe(text) },
  webhook_paused: { room_id: text, webhook_id: text, paused_by: text },
  expiring: {},
  pong: {},
  heartbeat: {},
} satisfies { [E in EventsOfServer as E['type']]: Partial<Checks<E>> & Shape };

/** What an older server does not tell is missing. */
export type Limits = Partial<
  Pick<socket.ClientLimits, 'body_characters' | 'subscriptions' | 'file_bytes'>
>;

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
  return eventOf(objectIn(frame));
}

/** The same of an object that came in another way. */
export function eventOf(fields: Record<string, unknown> | null): ServerEvent | null {
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
