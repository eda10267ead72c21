/** The wire, as docs/protocol.md says it: names, shapes and close codes. No state, no I/O. */

export interface Position {
  epoch: string;
  seq: number;
}

export interface PublicUser {
  id: string;
  username: string;
  display_name: string;
}

export interface Tokens {
  access_token: string;
  token_type: string;
  expires_in: number;
  /** Null where a cookie has it. */
  refresh_token: string | null;
}

/** One log-in of the user, here or elsewhere. */
export interface Login {
  id: string;
  created_at: string;
  last_used_at: string;
  user_agent: string;
  /** The one that asks. */
  current: boolean;
}

export type Role = 'owner' | 'moderator' | 'member' | 'reader';
export type Visibility = 'public' | 'private';

export interface Reaction {
  emoji: string;
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
  edited_at?: string | null;
  deleted?: boolean;
  reactions?: Reaction[];
}

export interface Room {
  id: string;
  name: string;
  topic?: string | null;
  visibility: Visibility;
  created_at: string;
  role: Role | null;
  epoch: string;
  seq: number;
  read_seq: number | null;
  unread_count: number | null;
  last_message?: Message | null;
}

export interface Member {
  user_id: string;
  username: string;
  display_name: string;
  role: Role;
  joined_at: string;
  online?: boolean;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface HistoryPage {
  items: Message[];
  epoch: string;
  has_more: boolean;
}

export type Command =
  | { type: 'authenticate'; token: string }
  | { type: 'subscribe'; room_id: string; ref: string; since: Position }
  | { type: 'unsubscribe'; room_id: string }
  | { type: 'send'; room_id: string; ref: string; body: string; reply_to?: number }
  | { type: 'typing'; room_id: string; ref: string }
  | { type: 'ping' };

interface EntryBase {
  room_id: string;
  seq: number;
  at: string;
  user_id: string;
  username: string;
}

export type EntryEvent = EntryBase &
  (
    | { type: 'message'; ref?: string | null; body: string; reply_to?: number | null }
    | { type: 'edit'; target: number; body: string }
    | { type: 'delete'; target: number }
    | { type: 'reaction'; target: number; emoji: string; added: boolean }
    | { type: 'member'; role: Role | null; by?: string | null }
    | { type: 'room'; name: string; topic?: string | null; visibility: Visibility }
  );

export interface ReadyEvent {
  type: 'ready';
  user: PublicUser;
  session_id: string;
  expires_at: string;
  heartbeat_seconds: number;
  limits?: { body_characters?: number; subscriptions?: number };
}

export interface ErrorEvent {
  type: 'error';
  ref?: string | null;
  code: string;
  message?: string;
  retry_after_seconds?: number;
}

export type ServerEvent =
  | EntryEvent
  | ReadyEvent
  | ErrorEvent
  | { type: 'ack'; ref: string; room_id?: string; epoch?: string; seq?: number; at?: string }
  | { type: 'live'; room_id: string; epoch: string; seq: number }
  | { type: 'reset'; room_id: string; epoch: string; seq: number }
  | { type: 'presence'; room_id: string; user_id: string; username: string; online: boolean }
  | { type: 'typing'; room_id: string; user_id: string; username: string }
  | { type: 'read'; room_id: string; user_id: string; seq: number }
  | { type: 'membership'; room_id: string; role: Role | null }
  | { type: 'expiring'; expires_at?: string }
  | { type: 'pong' }
  | { type: 'heartbeat' };

type Kind = 'string' | 'number' | 'boolean';

const ENTRY: Record<string, Kind> = {
  room_id: 'string',
  seq: 'number',
  at: 'string',
  user_id: 'string',
  username: 'string',
};
const POSITION: Record<string, Kind> = { room_id: 'string', epoch: 'string', seq: 'number' };

// What an event must hold before anything else may rely on it. A Map, so that a type named
// "__proto__" or "constructor" finds nothing.
const REQUIRED = new Map<string, Record<string, Kind>>([
  ['message', { ...ENTRY, body: 'string' }],
  ['edit', { ...ENTRY, target: 'number', body: 'string' }],
  ['delete', { ...ENTRY, target: 'number' }],
  ['reaction', { ...ENTRY, target: 'number', emoji: 'string', added: 'boolean' }],
  ['member', ENTRY],
  ['room', { ...ENTRY, name: 'string' }],
  ['ready', { heartbeat_seconds: 'number' }],
  ['ack', { ref: 'string' }],
  ['error', { code: 'string' }],
  ['live', POSITION],
  ['reset', POSITION],
  ['presence', { room_id: 'string', user_id: 'string', online: 'boolean' }],
  ['typing', { room_id: 'string', user_id: 'string', username: 'string' }],
  ['read', { room_id: 'string', user_id: 'string', seq: 'number' }],
  ['membership', { room_id: 'string' }],
  ['expiring', {}],
  ['pong', {}],
  ['heartbeat', {}],
]);

/** The event in a frame, or null for what this client does not know or cannot trust. */
export function parseEvent(frame: unknown): ServerEvent | null {
  if (typeof frame !== 'string') return null;
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const fields = value as Record<string, unknown>;
  const required = typeof fields.type === 'string' ? REQUIRED.get(fields.type) : undefined;
  if (!required) return null;
  for (const [name, kind] of Object.entries(required)) {
    if (!Object.hasOwn(fields, name)) return null;
    if (typeof fields[name] !== kind) return null;
  }
  return value as ServerEvent;
}

const ENTRY_TYPES = new Set(['message', 'edit', 'delete', 'reaction', 'member', 'room']);

/** Whether the event is part of a room's log: it carries the room's next seq. */
export function isEntry(event: ServerEvent): event is EntryEvent {
  return ENTRY_TYPES.has(event.type);
}
