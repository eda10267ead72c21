/** The bodies of HTTP requests and answers, as in /openapi.json. Made by `make docs` from the code of the server: do not edit. */

import type { Entry, LiveEvent, MembershipEvent, ResetEvent, ShownAsFields } from './socket.ts';

/** An account as administrators see it. `owner_id` is the person to whom a bot belongs, else null. */
export interface AccountOut {
  id: string;
  username: string;
  display_name: string;
  status_text: string;
  time_zone: string | null;
  avatar: string | null;
  is_bot: boolean;
  created_at: string;
  admin: boolean;
  disabled: boolean;
  erasing: boolean;
  owner_id: string | null;
}

/** The states by which administrators choose accounts from the list. */
export type AccountState = 'admin' | 'disabled' | 'erasing';

/** An account that an administrator makes for somebody, who gets to know the password another way. */
export interface AccountToMake {
  username: string;
  password: string;
  display_name?: string | null;
}

/** A page of accounts. */
export interface AccountsOut {
  items: AccountOut[];
  next_cursor: string | null;
}

/** The token of the answer that the reader is done with. */
export interface Ack {
  token: string;
}

/** A room as administrators see it, also where they are no members. */
export interface AdminRoomOut {
  id: string;
  kind: RoomKind;
  name: string;
  topic: string;
  visibility: Visibility;
  archived: boolean;
  slow_seconds: number;
  post_role: Role;
  created_at: string;
  member_count: number;
  last_message_at: string | null;
}

/** A page of rooms as administrators see them. */
export interface AdminRoomsOut {
  items: AdminRoomOut[];
  next_cursor: string | null;
}

/** An event of the audit log: `actor_id` did it to `subject_id`, from `address`. Null means unknown. The usernames are those of now, and null for an account that is gone. `room_id` is that of the room where it was done, or null where it was done in none. */
export interface AuditEventOut {
  at: string;
  event: Audited;
  actor_id: string | null;
  actor_username: string | null;
  subject_id: string | null;
  subject_username: string | null;
  address: string | null;
  room_id: string | null;
}

/** A page of the audit log, newest first. */
export interface AuditOut {
  items: AuditEventOut[];
  next_cursor: string | null;
}

/** The events of the audit log. */
export type Audited = 'signed_up' | 'set_up' | 'logged_in' | 'login_failed' | 'logged_out' | 'refresh_reused' | 'session_ended' | 'password_changed' | 'password_reset' | 'created' | 'disabled' | 'enabled' | 'promoted' | 'demoted' | 'invited' | 'invite_ended' | 'invite_used' | 'exported' | 'erased' | 'avatar_removed' | 'owner_named' | 'room_deleted' | 'removed' | 'banned' | 'unbanned' | 'cleared' | 'files_deleted' | 'reported' | 'report_read' | 'report_closed' | 'report_reopened' | 'blocked' | 'unblocked' | 'hook_made' | 'hook_ended' | 'bot_made' | 'token_made' | 'token_ended' | 'webhook_made' | 'webhook_changed' | 'webhook_replayed' | 'webhook_paused' | 'webhook_ended';

/** The sizes of a picture, in pixels a side. */
export type AvatarSize = 96 | 384;

/** A user who is banned from a room since `at`. `by` is the id of who banned them. */
export interface BanOut {
  user: UserOut;
  by: string;
  reason: string | null;
  at: string;
}

/** A page of bans, newest first. */
export interface BansOut {
  items: BanOut[];
  next_cursor: string | null;
}

/** A page of the users whom the caller has blocked. */
export interface BlocksOut {
  items: UserOut[];
  next_cursor: string | null;
}

export interface Body_auth_token {
  grant_type?: string | null;
  username: string;
  password: string;
  scope?: string;
  client_id?: string | null;
  client_secret?: string | null;
}

/** A bot as its owner sees it. */
export interface BotOut {
  id: string;
  username: string;
  display_name: string;
  status_text: string;
  time_zone: string | null;
  avatar: string | null;
  is_bot: boolean;
  created_at: string;
}

/** A page of the caller's bots, oldest first. */
export interface BotsOut {
  items: BotOut[];
  next_cursor: string | null;
}

/** What to change of a webhook. What is left out stays; `kinds` null means all. */
export interface ChangedWebhook {
  url?: string | null;
  kinds?: readonly string[] | null;
  paused?: boolean | null;
}

/** How many messages were deleted. With `has_more`, the same request deletes more. */
export interface ClearedOut {
  deleted: number;
  has_more: boolean;
}

/** A consumer. `acked_at` is when it last acknowledged anything, to the minute. */
export interface ConsumerOut {
  name: string;
  room_ids: string[] | null;
  start: string;
  created_at: string;
  acked_at: string | null;
}

/** A consumer, and how many entries it has not acknowledged yet. */
export interface ConsumerWithLag {
  name: string;
  room_ids: string[] | null;
  start: string;
  created_at: string;
  acked_at: string | null;
  lag: number;
}

/** All consumers of the caller, by name. */
export interface ConsumersOut {
  items: ConsumerOut[];
}

/** A page of deliveries, newest first. */
export interface DeliveriesOut {
  items: DeliveryOut[];
  next_cursor: string | null;
}

/** One attempt to deliver an entry, or a dead letter. `delivery_id` is the header `webhook-id`. `status` is null where no answer came. */
export interface DeliveryOut {
  delivery_id: string;
  type: string;
  epoch: string;
  seq: number;
  at: string;
  attempt: number;
  outcome: Outcome;
  status: number | null;
  milliseconds: number;
}

/** What strangers can do, and the settings that end it. */
export interface DoorOut {
  what: string;
  remedy: string;
}

/** A body that a message had, or was given. */
export interface EditOut {
  seq: number;
  at: string;
  user_id: string;
  username: string;
  body: string;
}

/** The edits of a message, oldest first, and what was sent at first. A deleted message has none of them. */
export interface EditsOut {
  original: EditOut | null;
  items: EditOut[];
  has_more: boolean;
}

/** What a reader has not acknowledged yet, room by room, and the token that acknowledges it. An item is an entry in the form of the socket's events with its `epoch`, or one of two events: `reset`, the room has a new `epoch`, and of what was given before only the entries up to `seq` still hold; `membership`, the room was deleted. */
export interface EntriesOut {
  items: (Entry | ResetEvent | MembershipEvent)[];
  token: string | null;
  has_more: boolean;
}

/** The password, because erasing an account cannot be undone. */
export interface Erase {
  password: string;
}

/** The state of the feed. `lag_ms` is the time from writing the last entry to broadcasting it. */
export interface FeedHealth {
  live: boolean;
  silent_seconds: number;
  lag_ms: number;
  reopens: number;
  catch_ups: number;
}

/** The feed of a node. `lag_ms` is the time from writing the last entry to broadcasting it. */
export interface FeedOut {
  live: boolean;
  lag_ms: number;
  silent_ms: number;
}

/** A file that its uploader has. It may be sent when it is `whole`; `offset` bytes of it are kept. */
export interface FileOut {
  file_id: string;
  name: string;
  type: string;
  size: number;
  width: number | null;
  height: number | null;
  has_thumb: boolean;
  blur: string | null;
  alt: string;
  room_id: string;
  offset: number;
  whole: boolean;
}

/** The address of a file, which needs no token and opens until `expires_at`. */
export interface FileUrlOut {
  file_id: string;
  url: string;
  expires_at: string;
}

/** The addresses of those of the files that the caller may have. */
export interface FileUrlsOut {
  items: FileUrlOut[];
}

/** Changes of an account by an administrator. Null leaves a flag as it is. */
export interface Flags {
  disabled?: boolean | null;
  admin?: boolean | null;
}

/** A user as others see them. `online` says whether they are connected, or were until a moment ago. */
export interface FoundUser {
  id: string;
  username: string;
  display_name: string;
  status_text: string;
  time_zone: string | null;
  avatar: string | null;
  is_bot: boolean;
  online: boolean;
}

/** The process runs. */
export interface Health {
  status: string;
}

/** Messages around a seq, oldest first. The flags say whether there are more before and after them. */
export interface HistoryAroundOut {
  items: MessageOut[];
  epoch: string;
  has_more_before: boolean;
  has_more_after: boolean;
}

/** Messages, oldest first. `has_more` says whether there are more in the direction of the request. */
export interface HistoryOut {
  items: MessageOut[];
  epoch: string;
  has_more: boolean;
}

/** A hook. `user_id` is that of the bot as which it writes, `made_by` that of the user who made it. `last_used_at` is when it last posted, to the minute. */
export interface HookOut {
  hook_id: string;
  room_id: string;
  user_id: string;
  name: string;
  made_by: string;
  created_at: string;
  last_used_at: string | null;
}

/** A page of hooks, newest first. */
export interface HooksOut {
  items: HookOut[];
  next_cursor: string | null;
}

/** An invite to the server. */
export interface InviteOut {
  invite_id: string;
  made_by: string | null;
  created_at: string;
  expires_at: string | null;
  max_uses: number;
  uses_left: number;
  admin: boolean;
}

/** Who has made an invite, as those see them who have its code. */
export interface InviterOut {
  id: string;
  username: string;
  display_name: string;
}

/** A page of invites, newest first. */
export interface InvitesOut {
  items: InviteOut[];
  next_cursor: string | null;
}

/** What only one process of all does. `node_id` is the one that does it, where it has said so. `lag` is the number of entries that a follower has still to handle, and null for any other work. */
export interface LeaseOut {
  name: string;
  held: boolean;
  node_id: string | null;
  lag: number | null;
}

/** The limits that a client needs to know. */
export interface LimitsOut {
  frame_bytes: number;
  body_characters: number;
  subscriptions: number;
  replay: number;
  file_bytes: number;
  files: number;
}

/** What the page behind a link in a message says of itself. Its picture is a file of this server. */
export interface LinkPreviewOut {
  url: string;
  title: string;
  description: string;
  site_name: string;
  picture: SentFileOut | null;
}

/** A username and its password. */
export interface LogIn {
  username: string;
  password: string;
}

/** Raw entries in order, one for each seq, in the form of the socket's events. `seq` is the last seq of the log. */
export interface LogOut {
  items: Entry[];
  epoch: string;
  seq: number;
}

/** A hook that was just made, with the address at which messages are posted to it. It is not shown again. */
export interface MadeHook {
  hook_id: string;
  room_id: string;
  user_id: string;
  name: string;
  made_by: string;
  created_at: string;
  last_used_at: string | null;
  url: string;
}

/** An invite that was just made, with its code and the link to give away. Neither is shown again. */
export interface MadeInvite {
  invite_id: string;
  made_by: string | null;
  created_at: string;
  expires_at: string | null;
  max_uses: number;
  uses_left: number;
  admin: boolean;
  code: string;
  url: string;
}

/** An invite to a room that was just made, with its code and the link to give away. Neither is shown again. */
export interface MadeRoomInvite {
  invite_id: string;
  made_by: string | null;
  created_at: string;
  expires_at: string | null;
  max_uses: number;
  uses_left: number;
  room_id: string | null;
  role: Role | null;
  code: string;
  url: string;
}

/** A token that was just made. `token` is shown this once: it goes into `Authorization: Bearer`. */
export interface MadeTokenOut {
  token_id: string;
  name: string;
  scopes: Scope[];
  room_ids: string[] | null;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  token: string;
}

/** A webhook that was just made, with the secret that signs what it is sent. It is not shown again. */
export interface MadeWebhook {
  webhook_id: string;
  room_id: string;
  host: string;
  url: string | null;
  kinds: string[] | null;
  made_by: string;
  created_at: string;
  state: 'active' | 'waiting' | 'paused';
  paused_by: PausedBy | null;
  waiting_since: string | null;
  next_attempt_at: string | null;
  attempts: number;
  last_status: number | null;
  replay: ReplayOut | null;
  secret: string;
}

/** A user as they see themselves. `admin` says whether they are an administrator. */
export interface Me {
  id: string;
  username: string;
  display_name: string;
  status_text: string;
  time_zone: string | null;
  avatar: string | null;
  is_bot: boolean;
  created_at: string;
  admin: boolean;
}

/** A member of a room. `online` says whether they are connected, or were until a moment ago. `read_seq` is how far they have read, or null where the others are not told. */
export interface MemberOut {
  user_id: string;
  username: string;
  display_name: string;
  avatar: string | null;
  is_bot: boolean;
  role: Role;
  joined_at: string;
  online: boolean;
  read_seq: number | null;
}

/** A page of members. */
export interface MembersOut {
  items: MemberOut[];
  next_cursor: string | null;
}

/** A page of messages that mention the caller, newest first. One that is not the last may have no items. */
export interface MentionsOut {
  items: MessageOut[];
  next_cursor: string | null;
}

/** A message among entries of other kinds. */
export interface MessageItem {
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
  ref: string | null;
  body: string;
  reply_to: number | null;
  thread: number | null;
  edited_at: string | null;
  deleted: boolean;
  pinned: boolean;
  reactions: ReactionOut[];
  reply_count: number;
  last_reply_at: string | null;
  mentions: string[];
  mentions_all: boolean;
  is_bot: boolean;
  shown_as: ShownAsOut | null;
  files: SentFileOut[];
  previews: LinkPreviewOut[];
  type: 'message';
}

/** A message as it is now, after its edits, deletion, reactions and pins. */
export interface MessageOut {
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
  ref: string | null;
  body: string;
  reply_to: number | null;
  thread: number | null;
  edited_at: string | null;
  deleted: boolean;
  pinned: boolean;
  reactions: ReactionOut[];
  reply_count: number;
  last_reply_at: string | null;
  mentions: string[];
  mentions_all: boolean;
  is_bot: boolean;
  shown_as: ShownAsOut | null;
  files: SentFileOut[];
  previews: LinkPreviewOut[];
}

/** Another text that stands for a file. */
export interface NewAlt {
  alt: string;
}

/** Why a user is banned from a room. Only its owners and moderators see it. */
export interface NewBan {
  reason?: string | null;
}

/** Another body for a message. `ref` makes a retry safe; it may stand in the header `Idempotency-Key` instead. */
export interface NewBody {
  body: string;
  ref?: string | null;
  epoch?: string | null;
}

/** A bot to make: a user as which a program writes. */
export interface NewBot {
  username: string;
  display_name?: string | null;
}

/** Another display name for a bot. */
export interface NewBotName {
  display_name: string;
}

/** What a consumer reads: all rooms that the caller is in, or of these only those in `room_ids`. `start` says where it begins in rooms in which it has no position: at the `beginning`, or `now`, which is when it is made or its user joins. */
export interface NewConsumer {
  room_ids?: readonly string[] | null;
  start?: Start;
}

/** The people of a direct room. The caller is one of them in any case. */
export interface NewDirect {
  user_ids: readonly string[];
}

/** A hook to make. Its messages are shown under the `name`, unless they say another one. */
export interface NewHook {
  name: string;
}

/** An invite to make. With `admin`, who uses it becomes an administrator. `expires_in` is in seconds. */
export interface NewInvite {
  admin?: boolean;
  max_uses?: number;
  expires_in?: number;
}

/** A message to send. `ref` makes a retry safe; it may stand in the header `Idempotency-Key` instead. `epoch` is that of the message which it answers. */
export interface NewMessage {
  ref?: string | null;
  body: string;
  reply_to?: number | null;
  files?: readonly string[];
  epoch?: string | null;
}

/** How the caller wants to be notified of a room: of nothing before `muted_until`, and then as `level` says. */
export interface NewNotify {
  level: NotifyLevel;
  muted_until?: string | null;
}

/** Who is to own a room. */
export interface NewOwner {
  owner_id: string;
}

/** A new password for another user. */
export interface NewPassword {
  new_password: string;
}

/** Where the caller keeps a room in their list of rooms. What is left out has its default. */
export interface NewPlace {
  favourite?: boolean;
  section?: string | null;
  hidden?: boolean;
}

/** What users say about themselves. Each field that is left out stays as it is; one must be given. A `time_zone` of null takes it away. */
export interface NewProfile {
  display_name?: string;
  status_text?: string;
  time_zone?: string | null;
}

/** The entries to send once more: up to `to_seq`, or up to the last that was sent. With another `epoch` than the room's nothing is sent. */
export interface NewReplay {
  from_seq: number;
  to_seq?: number | null;
  epoch?: string | null;
}

/** Why a message is reported. With another `epoch` than the room's nothing is reported. */
export interface NewReport {
  reason: string;
  epoch?: string | null;
}

/** The state to give a report. */
export interface NewReportState {
  state: ReportState;
}

/** The role to give a user in a room. */
export interface NewRole {
  role: Role;
}

/** A room to make. */
export interface NewRoom {
  name: string;
  visibility: Visibility;
  topic?: string;
}

/** An invite to a room to make. Who uses it gets the `role`. `expires_in` is in seconds. */
export interface NewRoomInvite {
  role?: Role;
  max_uses?: number;
  expires_in?: number;
}

/** What is to change of a room. One field must be given; null leaves it as it is. */
export interface NewSettings {
  name?: string | null;
  topic?: string | null;
  visibility?: Visibility | null;
  archived?: boolean | null;
  slow_seconds?: number | null;
  post_role?: 'member' | 'moderator' | null;
}

/** A token to make for a program. It is for all rooms without `room_ids`. `expires_in` is in seconds. */
export interface NewToken {
  name: string;
  scopes: readonly Scope[];
  room_ids?: readonly string[] | null;
  expires_in?: number | null;
}

/** A webhook to make. It is sent the entries of these `kinds`, or of all. */
export interface NewWebhook {
  url: string;
  kinds?: readonly string[] | null;
  paused?: boolean;
}

/** A process that serves. `current` is the one that answers; the others are as they were `age_ms` ago. `sockets` counts those that have not authenticated, too. `tasks` names those that are not well. */
export interface NodeOut {
  node_id: string;
  current: boolean;
  age_ms: number;
  host: string;
  process: number;
  version: string;
  started_at: string;
  connections: number;
  sockets: number;
  subscriptions: number;
  rooms: number;
  feed: FeedOut;
  memory_short: boolean;
  clock_skew_ms: number;
  tasks: string[];
}

/** An entry that is shown between messages, as the socket tells it. `type` says which further fields it has. */
export interface Notice {
  type: 'member' | 'room';
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
}

/** What of a room a member is notified of. */
export type NotifyLevel = 'all' | 'mentions' | 'none';

/** How the caller is notified of a room. `muted_until` is null where it is not muted; a past time mutes nothing. */
export interface NotifyOut {
  level: NotifyLevel;
  muted_until: string | null;
}

/** What came of one attempt to deliver. */
export type Outcome = 'delivered' | 'down' | 'refused' | 'gone';

/** The current password and the new one. */
export interface PasswordChange {
  current_password: string;
  new_password: string;
}

/** Why nothing is posted to a webhook. */
export type PausedBy = 'owner' | 'gone' | 'down';

/** One of the people of a direct room. One whose account was erased has the names `erased`. */
export interface PersonOut {
  id: string;
  username: string;
  display_name: string;
  avatar: string | null;
  is_bot: boolean;
}

/** The pinned messages of a room, that which was pinned last first. */
export interface PinsOut {
  items: MessageOut[];
}

/** Where the caller keeps a room in their list of rooms. */
export interface PlaceOut {
  favourite: boolean;
  section: string | null;
  hidden: boolean;
}

/** What anybody who has its code sees of an invite. One to the server has no room. */
export interface PreviewOut {
  room_name: string | null;
  member_count: number | null;
  invited_by: InviterOut | null;
}

/** An error as RFC 9457 defines it, with a stable `code`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: 'archived' | 'bad_cursor' | 'bad_emoji' | 'bad_envelope' | 'bad_file' | 'bad_invite' | 'bad_json' | 'bad_number' | 'bad_offset' | 'bad_ref' | 'bad_request' | 'banned' | 'blocked' | 'conflict' | 'deleted' | 'duplicate_key' | 'empty' | 'extra_forbidden' | 'forbidden' | 'indexing' | 'internal' | 'invalid' | 'invalid_credentials' | 'limit' | 'method_not_allowed' | 'misdirected' | 'not_found' | 'quota' | 'rate_limited' | 'ref_conflict' | 'reset' | 'signup_closed' | 'slow_mode' | 'storage_full' | 'timeout' | 'too_large' | 'unauthorized' | 'unavailable' | 'unknown_type' | 'unsupported_media_type' | 'upgrade_required' | 'username_taken' | 'weak_password';
  detail: string;
  request_id: string | null;
  errors?: Record<string, unknown>[] | null;
  retry_after_seconds?: number | null;
  done?: number | null;
}

/** The tokens of a user, newest first. They fit in one answer, because their number is limited. */
export interface ProgramTokensOut {
  items: TokenOut[];
}

/** How many users reacted with one emoji, and the first 20 of them. */
export interface ReactionOut {
  emoji: string;
  count: number;
  user_ids: string[];
}

/** A user who reacted, and when. */
export interface ReactorOut {
  user_id: string;
  username: string;
  at: string;
}

/** A page of the users who reacted to a message with one emoji, in the order of reacting. */
export interface ReactorsOut {
  items: ReactorOut[];
  next_cursor: string | null;
}

/** A report with its message as it is now, which is null where it is not there any more. */
export interface ReadReportOut {
  id: string;
  room_id: string;
  room_name: string | null;
  seq: number;
  reason: string;
  state: ReportState;
  reporter: UserOut | null;
  at: string;
  message: MessageOut | null;
}

/** The seq up to which everything has been seen. With another `epoch` than the room's nothing is changed. `back` lets the stored seq become lower. */
export interface ReadUpTo {
  seq: number;
  epoch?: string | null;
  back?: boolean;
}

/** Whether the store can be written, there is memory left and the feed is live. `tasks` lists those with problems. `clock_skew_ms` is how far this machine's clock is ahead of the store's, which the server goes by. */
export interface Readiness {
  status: string;
  store: boolean;
  memory: boolean;
  feed: FeedHealth;
  clock_skew_ms: number;
  connections: number;
  tasks: TaskHealth[];
  search: SearchHealth | null;
}

/** The refresh token to use up, or null when the session cookie holds it. */
export interface Refresh {
  refresh_token?: string | null;
}

/** The entries that are sent once more before the webhook goes on. */
export interface ReplayOut {
  epoch: string;
  from_seq: number;
  to_seq: number;
}

/** A report of a message. `room_name` is null where the room is gone, and `reporter` where that user is. */
export interface ReportOut {
  id: string;
  room_id: string;
  room_name: string | null;
  seq: number;
  reason: string;
  state: ReportState;
  reporter: UserOut | null;
  at: string;
}

/** Whether the administrators have done with a report. */
export type ReportState = 'open' | 'closed';

/** A page of reports, newest first. */
export interface ReportsOut {
  items: ReportOut[];
  next_cursor: string | null;
}

/** What a member may do in a room. */
export type Role = 'owner' | 'moderator' | 'member' | 'reader';

/** A file of a room, and the message that has it. */
export interface RoomFileOut {
  file_id: string;
  name: string;
  type: string;
  size: number;
  width: number | null;
  height: number | null;
  has_thumb: boolean;
  blur: string | null;
  alt: string;
  seq: number;
  user_id: string;
  at: string;
}

/** A page of the files of a room, those of the newest message first. */
export interface RoomFilesOut {
  items: RoomFileOut[];
  next_cursor: string | null;
}

/** An invite to a room. Who made it may give at most the `role`. */
export interface RoomInviteOut {
  invite_id: string;
  made_by: string | null;
  created_at: string;
  expires_at: string | null;
  max_uses: number;
  uses_left: number;
  room_id: string | null;
  role: Role | null;
}

/** A page of invites to a room, newest first. */
export interface RoomInvitesOut {
  items: RoomInviteOut[];
  next_cursor: string | null;
}

/** What a room is. */
export type RoomKind = 'room' | 'direct';

/** A room as the caller sees it. For a non-member `role`, `notify`, `place` and `last_message` are null, and nothing is unread. */
export interface RoomOut {
  id: string;
  name: string;
  topic: string;
  visibility: Visibility;
  archived: boolean;
  /** How long members wait after each message */
  slow_seconds: number;
  /** Who may send messages: those with this role, or one above it */
  post_role: Role;
  created_at: string;
  /** In the lobby `owner` for administrators, who have an owner's rights there */
  role: Role | null;
  epoch: string;
  seq: number;
  read_seq: number;
  /** The number of messages after `read_seq` that are not the caller's own and not deleted; 999 means that many or more */
  unread_count: number;
  /** The seq of the first of the unread messages */
  first_unread_seq: number | null;
  /** How many of these mention the caller, or everybody in the room; 999 means that many or more */
  mention_count: number;
  notify: NotifyOut | null;
  last_message: MessageOut | null;
  kind: RoomKind;
  /** The id of its picture, which `/avatars/{avatar}/{size}` shows */
  avatar: string | null;
  /** The people of a direct room, with the caller */
  users: PersonOut[];
  member_count: number;
  place: PlaceOut | null;
}

/** A client's position in a room: the last entry that it has applied. Seq 0 is before the first entry. */
export interface RoomPosition {
  epoch: string;
  seq: number;
  room_id: string;
}

/** A page of rooms. */
export interface RoomsOut {
  items: RoomOut[];
  next_cursor: string | null;
}

/** The answer of JSON-RPC 2.0 to a request that was not carried out. `data` has our `code`. */
export interface RpcRefusal {
  jsonrpc: string;
  id: string | number | null;
  error: Record<string, unknown>;
}

/** The answer of JSON-RPC 2.0 to a request that was carried out. */
export interface RpcResult {
  jsonrpc: string;
  id: string | number;
  result: Record<string, unknown>;
}

/** What a token lets a program do. docs/permissions.md lists what belongs to each. */
export type Scope = 'read' | 'write' | 'manage';

/** The search index. `done` is how much of it is made, from 0 to 1, and `lag` how many entries it lacks. Only the process that writes the index of its machine knows these. While the index is made, all else is served. */
export interface SearchHealth {
  writing: boolean;
  done: number;
  lag: number;
}

/** A page of messages that were searched for, newest first. One that is not the last may be short, or empty. `terms` are the words and phrases to mark in them, in their normal form. A prefix ends with `*`. */
export interface SearchOut {
  items: MessageOut[];
  next_cursor: string | null;
  terms: string[];
}

/** The new secret of a webhook, which is not shown again. The one before signs until `earlier_until`, too. */
export interface SecretOut {
  secret: string;
  earlier_until: string;
}

/** A file that a message has. `type` was found by what is in it; `blur` is a ThumbHash in base64. */
export interface SentFileOut {
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

/** A server. `signup` says who may make an account: all, who has an invite, or nobody. `features` and `limits` are those that `ready` tells. */
export interface ServerOut {
  name: string;
  version: string;
  signup: SignupMode;
  features: string[];
  limits: LimitsOut;
}

/** A session. `current` is true for the caller's own. */
export interface SessionOut {
  id: string;
  created_at: string;
  last_used_at: string;
  user_agent: string;
  current: boolean;
}

/** A user's sessions, newest first. They fit in one answer, because their number is limited. */
export interface SessionsOut {
  items: SessionOut[];
}

/** The account of the first administrator. `token` is that of the setup link. */
export interface SetUp {
  username: string;
  password: string;
  display_name?: string | null;
  token: string;
}

/** A setting by its variable. `value` is null where it is unset, and for a `secret`, which is never shown. `source` is `environment`, `default`, `derived` from other settings, or `store` for what was made once and kept. */
export interface SettingOut {
  name: string;
  description: string;
  value: string | number | boolean | string[] | null;
  source: 'environment' | 'default' | 'derived' | 'store';
  secret: boolean;
  set: boolean;
}

/** All settings in force on this node, and the doors that they leave open to strangers. */
export interface SettingsOut {
  items: SettingOut[];
  open_doors: DoorOut[];
}

export type ShownAsOut = ShownAsFields;

/** A new account. `invite` is the code of an invite, where one is needed. */
export interface SignUp {
  username: string;
  password: string;
  display_name?: string | null;
  invite?: string | null;
}

/** Who may make an account, by `TAILWIRE_SIGNUP`. */
export type SignupMode = 'open' | 'invite' | 'closed';

/** Where a follower or a consumer that is new begins in the rooms that are there. */
export type Start = 'beginning' | 'now';

/** How this server is: `ready` where this node can serve. `nodes` begins with the one that answers. */
export interface StatusOut {
  status: string;
  version: string;
  store: StoreOut;
  nodes: NodeOut[];
  leases: LeaseOut[];
}

/** The database: `sqlite` or `rethinkdb`. `bytes` is its size, where it is a file on this machine. */
export interface StoreOut {
  kind: string;
  up: boolean;
  bytes: number | null;
}

/** The positions of a client, and the most entries that it wants at once. With `others`, it is also told of the caller's rooms that it does not name. */
export interface SyncIn {
  positions?: readonly RoomPosition[];
  limit?: number;
  others?: boolean;
}

/** What has changed, as the events that a subscription from each position would bring, the newest room first. `not_found` are those of the named rooms that the caller may not read. With `has_more` there is more: the client asks again, with the positions that it has then. */
export interface SyncOut {
  items: (Entry | LiveEvent | ResetEvent)[];
  not_found: string[];
  has_more: boolean;
}

/** A task that is not running, or was restarted again and again in the last minute. */
export interface TaskHealth {
  name: string;
  up: boolean;
  restarts: number;
}

/** Messages and the entries between them around a seq, oldest first, which `type` tells apart. */
export interface TimelineAroundOut {
  items: (MessageItem | Notice)[];
  epoch: string;
  has_more_before: boolean;
  has_more_after: boolean;
}

/** Messages and the entries between them, oldest first, which `type` tells apart. */
export interface TimelineOut {
  items: (MessageItem | Notice)[];
  epoch: string;
  has_more: boolean;
}

/** A token, without its secret. `room_ids` is null for all rooms, and `last_used_at` where it was never used. */
export interface TokenOut {
  token_id: string;
  name: string;
  scopes: Scope[];
  room_ids: string[] | null;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
}

/** A session's tokens. The access token expires in `expires_in` seconds. `refresh_token` is null in cookie mode. */
export interface TokensOut {
  access_token: string;
  token_type?: 'bearer';
  expires_in: number;
  refresh_token: string | null;
}

/** A user as others see them. `status_text` is empty, and `time_zone` null, where they do not say it. `avatar` is the id of their picture, which `/avatars/{avatar}/{size}` shows, or null. `is_bot` says that it is no person: a program writes as this user. */
export interface UserOut {
  id: string;
  username: string;
  display_name: string;
  status_text: string;
  time_zone: string | null;
  avatar: string | null;
  is_bot: boolean;
}

/** A page of users. */
export interface UsersOut {
  items: FoundUser[];
  next_cursor: string | null;
}

/** Who may find and join a room. */
export type Visibility = 'public' | 'private';

/** Files whose addresses are asked for, or with `thumb` those of their thumbnails. */
export interface WantedUrls {
  file_ids: readonly string[];
  thumb?: boolean;
}

/** A webhook. Its `url` is null for who does not manage it, as it may hold a secret; `host` is for all. It is `waiting` after an attempt that failed: since when, what the receiver answered last (null: nothing), and when the next attempt is. `paused_by` says why it is `paused`. */
export interface WebhookOut {
  webhook_id: string;
  room_id: string;
  host: string;
  url: string | null;
  kinds: string[] | null;
  made_by: string;
  created_at: string;
  state: 'active' | 'waiting' | 'paused';
  paused_by: PausedBy | null;
  waiting_since: string | null;
  next_attempt_at: string | null;
  attempts: number;
  last_status: number | null;
  replay: ReplayOut | null;
}

/** Webhooks of a room or of a user, oldest first. */
export interface WebhooksOut {
  items: WebhookOut[];
}

/** A user with the tokens of a new session. */
export interface Welcome {
  access_token: string;
  token_type?: 'bearer';
  expires_in: number;
  refresh_token: string | null;
  user: UserOut;
}
