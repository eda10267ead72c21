/** The commands and events of the socket, as in /asyncapi.json. Made by `make docs` from the code of the server: do not edit. */

/** A command was carried out. */
export interface AckEvent {
  type: 'ack';
  ref: string | null;
}

/** Prove an identity, or renew the token of an open socket. `v` is the client's protocol version. */
export interface AuthenticateCommand {
  type: 'authenticate';
  token: string;
  ref?: string | null;
  v?: number;
}

/** The limits that a client needs to know. */
export interface ClientLimits {
  frame_bytes: number;
  body_characters: number;
  subscriptions: number;
  replay: number;
  file_bytes: number;
  files: number;
}

/** Delete a message. `ref` makes a retry safe. */
export interface DeleteCommand {
  type: 'delete';
  room_id: string;
  seq: number;
  ref: string;
  epoch?: string | null;
}

/** A message was deleted. */
export interface DeleteEvent {
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
  type: 'delete';
  target: number;
  thread?: number | null;
}

/** Change the body of one's own message. `ref` makes a retry safe. */
export interface EditCommand {
  type: 'edit';
  room_id: string;
  seq: number;
  ref: string;
  body: string;
  epoch?: string | null;
}

/** A message was changed. */
export interface EditEvent {
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
  type: 'edit';
  target: number;
  body: string;
  mentions?: string[];
  mentions_all?: boolean;
}

/** A command was carried out. */
export interface EntryAck {
  type: 'ack';
  ref: string | null;
  room_id: string;
  epoch: string;
  seq: number;
  at: string;
}

/** A command was not carried out. */
export interface ErrorEvent {
  type: 'error';
  ref: string | null;
  code: 'archived' | 'bad_cursor' | 'bad_emoji' | 'bad_envelope' | 'bad_file' | 'bad_invite' | 'bad_json' | 'bad_number' | 'bad_offset' | 'bad_ref' | 'bad_request' | 'banned' | 'blocked' | 'conflict' | 'deleted' | 'duplicate_key' | 'empty' | 'extra_forbidden' | 'forbidden' | 'indexing' | 'internal' | 'invalid' | 'invalid_credentials' | 'limit' | 'method_not_allowed' | 'misdirected' | 'not_found' | 'quota' | 'rate_limited' | 'ref_conflict' | 'reset' | 'signup_closed' | 'slow_mode' | 'storage_full' | 'timeout' | 'too_large' | 'unauthorized' | 'unavailable' | 'unknown_type' | 'unsupported_media_type' | 'upgrade_required' | 'username_taken' | 'weak_password';
  message: string;
  retry_after_seconds?: number;
}

/** The token expires soon. */
export interface ExpiringEvent {
  type: 'expiring';
  expires_at: string;
}

/** Nothing was sent for a while, but the server is there. */
export interface HeartbeatEvent {
  type: 'heartbeat';
  server_time: string;
}

/** An entry of a kind that only later versions know. Clients step over it. */
export interface LaterEntry {
  type: string;
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
}

/** What the page behind a link in a message says of itself. */
export interface LinkPreviewFields {
  url: string;
  title: string;
  description: string;
  site_name: string;
  picture: SentFileFields | null;
}

/** The replay has ended, and live events follow. */
export interface LiveEvent {
  type: 'live';
  room_id: string;
  epoch: string;
  seq: number;
}

/** A user was given a role. With a null role, the user left or was removed. Then they may come back as `returns_as`, unless they are `banned`. The end of a ban is such an entry, too. */
export interface MemberEvent {
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
  type: 'member';
  role: string | null;
  by: string;
  returns_as?: string | null;
  banned?: boolean;
  was?: string | null;
  display_name?: string | null;
  is_bot?: boolean;
}

/** The user was added to a room, given another role there, or removed. `by` is the id of the user who did it, and null where that is not known. */
export interface MembershipEvent {
  type: 'membership';
  room_id: string;
  role: string | null;
  reason: 'added' | 'joined' | 'role' | 'left' | 'removed' | 'banned' | 'deleted';
  by: string | null;
}

/** A user wrote a message. */
export interface MessageEvent {
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
  type: 'message';
  ref: string | null;
  body: string;
  reply_to: number | null;
  thread?: number | null;
  mentions?: string[];
  mentions_all?: boolean;
  is_bot?: boolean;
  shown_as?: ShownAsFields | null;
  files?: SentFileFields[];
}

/** A room to which the connection is not subscribed has new messages. `mention`: whether one mentions the user. */
export interface NoticeEvent {
  type: 'notice';
  room_id: string;
  epoch: string;
  seq: number;
  mention: boolean;
}

/** The user has set elsewhere how they are notified of a room. */
export interface NotificationsEvent {
  type: 'notifications';
  room_id: string;
  user_id: string;
  level: string;
  muted_until: string | null;
}

/** Pin a message in its room, or unpin it. `ref` makes a retry safe. */
export interface PinCommand {
  type: 'pin';
  room_id: string;
  seq: number;
  ref: string;
  epoch?: string | null;
}

/** A message was pinned, or unpinned. */
export interface PinEvent {
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
  type: 'pin';
  target: number;
  pinned: boolean;
}

/** Ask for a `pong`. It is for clients that cannot send pings of WebSocket, as pages: an answer shows that the socket still lives. */
export interface PingCommand {
  type: 'ping';
  ref?: string | null;
}

/** The user keeps a room elsewhere in their list of rooms now. */
export interface PlaceEvent {
  type: 'place';
  room_id: string;
  user_id: string;
  favourite: boolean;
  section: string | null;
  hidden: boolean;
}

/** The answer to a ping. */
export interface PongEvent {
  type: 'pong';
  server_time: string;
}

/** A client's position in a room's log: the last entry that it has applied. Seq 0 is before the first entry. */
export interface Position {
  epoch: string;
  seq: number;
}

/** A command was carried out. */
export interface PositionAck {
  type: 'ack';
  ref: string | null;
  room_id: string;
  epoch: string;
  seq: number;
}

/** A user who is watched is online, or is not. */
export interface PresenceEvent {
  type: 'presence';
  user_id: string;
  online: boolean;
}

/** A message has these previews of its links now. With `removed`, none come any more. */
export interface PreviewEvent {
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
  type: 'preview';
  target: number;
  previews?: LinkPreviewFields[];
  removed?: boolean;
}

/** A user as their own client sees them. */
export interface PublicUser {
  id: string;
  username: string;
  display_name: string;
  is_bot: boolean;
}

/** React to a message with an emoji, or take the reaction back. `ref` makes a retry safe. */
export interface ReactCommand {
  type: 'react';
  room_id: string;
  seq: number;
  ref: string;
  emoji: string;
  epoch?: string | null;
}

/** A user reacted to a message, or took a reaction back. */
export interface ReactionEvent {
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
  type: 'reaction';
  target: number;
  emoji: string;
  added: boolean;
}

/** Say that the user has seen everything up to `seq`. `back` lets the stored seq become lower. */
export interface ReadCommand {
  type: 'read';
  room_id: string;
  seq: number;
  epoch?: string | null;
  back?: boolean;
  ref?: string | null;
}

/** The user has read a room up to `read_seq` on another connection, or another member has read that far. */
export interface ReadEvent {
  type: 'read';
  room_id: string;
  user_id: string;
  username: string;
  epoch: string;
  read_seq: number;
}

/** The token is valid, and the connection is ready for commands. */
export interface ReadyEvent {
  type: 'ready';
  user: PublicUser;
  session_id: string;
  expires_at: string | null;
  heartbeat_seconds: number;
  features: string[];
  limits: ClientLimits;
}

/** Take away the previews of links in a message, so that none come any more. `ref` makes a retry safe. */
export interface RemovePreviewsCommand {
  type: 'remove_previews';
  room_id: string;
  seq: number;
  ref: string;
  epoch?: string | null;
}

/** The server cannot replay from the client's position. The client must load the room again. */
export interface ResetEvent {
  type: 'reset';
  room_id: string;
  epoch: string;
  seq: number;
}

/** A room was made, or has changed. In the last entry of a room that was deleted, `deleted` is true. */
export interface RoomEvent {
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
  type: 'room';
  name: string;
  topic: string;
  visibility: string;
  archived: boolean;
  slow_seconds: number;
  post_role: string;
  avatar?: string;
  deleted?: boolean;
}

/** Write a message to a room. `ref` makes a retry safe. `epoch` is that of the message which it answers. */
export interface SendCommand {
  type: 'send';
  room_id: string;
  ref: string;
  body: string;
  reply_to?: number | null;
  files?: readonly string[];
  epoch?: string | null;
}

/** A file that a message has. */
export interface SentFileFields {
  file_id: string;
  name: string;
  type: string;
  size: number;
  width: number | null;
  height: number | null;
  has_thumb: boolean;
  blur: string | null;
  alt: string;
}

/** How an incoming hook asks to be shown with a message. */
export interface ShownAsFields {
  name: string;
  icon_url: string | null;
  icon_emoji?: string;
}

/** Ask for a room's events: first those after `since`, then live ones. After the ack come the entries after `since` and then `live`, or `reset` alone where they cannot be told. Without `since` only what is new comes. Where the room is subscribed to already, all of that begins anew. */
export interface SubscribeCommand {
  type: 'subscribe';
  room_id: string;
  since?: Position | null;
  ref?: string | null;
}

/** Say that the user is typing a message in a room. Send it each 3 s while they type. Others are told by `typing`, which may be lost. */
export interface TypingCommand {
  type: 'typing';
  room_id: string;
  ref?: string | null;
}

/** A member is typing a message. */
export interface TypingEvent {
  type: 'typing';
  room_id: string;
  user_id: string;
  username: string;
}

/** Pin a message in its room, or unpin it. `ref` makes a retry safe. */
export interface UnpinCommand {
  type: 'unpin';
  room_id: string;
  seq: number;
  ref: string;
  epoch?: string | null;
}

/** React to a message with an emoji, or take the reaction back. `ref` makes a retry safe. */
export interface UnreactCommand {
  type: 'unreact';
  room_id: string;
  seq: number;
  ref: string;
  emoji: string;
  epoch?: string | null;
}

/** The entry with this seq is missing, or the server cannot read it. */
export interface UnreadableEvent {
  type: 'unreadable';
  room_id: string;
  seq: number;
  at: null;
}

/** Stop the events of a room. After the ack no entries of it come. `notice` says when there are new messages. */
export interface UnsubscribeCommand {
  type: 'unsubscribe';
  room_id: string;
  ref?: string | null;
}

/** A user is shown by another name or picture, or says something else about themselves. */
export interface UserEvent {
  type: 'user';
  user_id: string;
  username: string;
  display_name: string;
  status_text: string;
  time_zone: string | null;
  avatar: string | null;
}

/** Ask to be told when these users come or go, and no others. They take the place of those that were named before. `presence` tells of each of them at once, and of every change from then on. */
export interface WatchCommand {
  type: 'watch';
  user_ids: readonly string[];
  ref?: string | null;
}

/** Nothing is posted any more to a webhook that the user has made, until an owner of the room lets it go on. */
export interface WebhookPausedEvent {
  type: 'webhook_paused';
  room_id: string;
  webhook_id: string;
  paused_by: string;
}

export type Command =
  | AuthenticateCommand
  | SubscribeCommand
  | UnsubscribeCommand
  | SendCommand
  | EditCommand
  | DeleteCommand
  | ReactCommand
  | UnreactCommand
  | PinCommand
  | UnpinCommand
  | RemovePreviewsCommand
  | ReadCommand
  | TypingCommand
  | WatchCommand
  | PingCommand;

export type Entry =
  | MessageEvent
  | EditEvent
  | DeleteEvent
  | ReactionEvent
  | PinEvent
  | PreviewEvent
  | MemberEvent
  | RoomEvent
  | UnreadableEvent
  | LaterEntry;

export type OtherEvent =
  | ReadyEvent
  | AckEvent
  | PositionAck
  | EntryAck
  | ErrorEvent
  | LiveEvent
  | ResetEvent
  | MembershipEvent
  | ReadEvent
  | NotificationsEvent
  | PlaceEvent
  | UserEvent
  | TypingEvent
  | PresenceEvent
  | NoticeEvent
  | WebhookPausedEvent
  | ExpiringEvent
  | PongEvent
  | HeartbeatEvent;
