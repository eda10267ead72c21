/**
 * The entries of a room as a page shows them, and what the entries of changes make of a message. Pure.
 */
import type { FileShown, LinkPreview } from '../wire/files.ts';
import type { EntryEvent, HistoryItem, Message, Role } from '../wire/protocol.ts';
import type { ShownAs } from '../wire/shown_as.ts';
import { type AllSettings, settingsOf } from './settings.ts';

/** The users who reacted with one emoji. */
export interface Reaction {
  emoji: string;
  count: number;
  /** In the order in which they reacted. Those that history left out are missing. */
  user_ids: readonly string[];
}

export interface MessageEntry {
  kind: 'message';
  seq: number;
  at: string;
  user_id: string;
  username: string;
  ref: string | null;
  body: string;
  reply_to: number | null;
  /** The root of the thread in which it is a reply. */
  thread: number | null;
  edited_at: string | null;
  deleted: boolean;
  pinned: boolean;
  reactions: readonly Reaction[];
  /** How many replies stand below it, without those that are deleted. */
  reply_count: number;
  /** When the newest of them was written. */
  last_reply_at: string | null;
  /** The ids of the users whom it mentions. */
  mentions: readonly string[];
  mentions_all: boolean;
  /** Whether a bot wrote it. */
  is_bot: boolean;
  /** How the hook that wrote it asks to be shown. */
  shown_as: ShownAs | null;
  files: readonly FileShown[];
  /** Of links in its text. */
  previews: readonly LinkPreview[];
}

export interface NoticeEntry {
  kind: 'notice';
  seq: number;
  at: string;
  user_id: string;
  username: string;
  notice:
    | { type: 'member'; role: Role | null; was: Role | null; by_self: boolean; banned: boolean }
    | ({ type: 'room' } & AllSettings);
}

export type Entry = MessageEntry | NoticeEntry;

/** What the entries of changes say of the message that they change. */
export type Fact =
  | ({ type: 'edit'; body: string; at: string } & Pick<Message, 'mentions' | 'mentions_all'>)
  | { type: 'delete' }
  | { type: 'reaction'; emoji: string; user_id: string; added: boolean }
  | { type: 'pin'; pinned: boolean }
  | { type: 'preview'; previews?: readonly LinkPreview[] | null | undefined };

export function itemEntry(item: HistoryItem): Entry {
  return item.type === 'member' || item.type === 'room' ? noticeEntry(item) : messageEntry(item);
}

export function messageEntry(message: Message): MessageEntry {
  const { seq, at, user_id, username } = message;
  return {
    kind: 'message',
    seq,
    at,
    user_id,
    username,
    ref: message.ref ?? null,
    body: message.body,
    reply_to: message.reply_to ?? null,
    thread: message.thread ?? null,
    edited_at: message.edited_at ?? null,
    deleted: message.deleted ?? false,
    pinned: message.pinned ?? false,
    reactions: (message.reactions ?? []).map(({ emoji, count, user_ids }) => ({
      ...{ emoji, user_ids },
      count: count ?? user_ids.length,
    })),
    reply_count: message.reply_count ?? 0,
    last_reply_at: message.last_reply_at ?? null,
    mentions: message.mentions ?? [],
    mentions_all: message.mentions_all ?? false,
    is_bot: message.is_bot ?? false,
    shown_as: message.shown_as ?? null,
    files: message.files ?? [],
    previews: message.previews ?? [],
  };
}

export function noticeEntry(event: Extract<EntryEvent, { type: 'member' | 'room' }>): NoticeEntry {
  const { seq, at, user_id, username } = event;
  const notice: NoticeEntry['notice'] =
    event.type === 'room'
      ? { type: 'room', ...settingsOf(event) }
      : {
          type: 'member',
          role: event.role ?? null,
          was: event.was ?? null,
          by_self: !event.by || event.by === user_id,
          banned: (event as { banned?: boolean }).banned ?? false,
        };
  return { kind: 'notice', seq, at, user_id, username, notice };
}

/** The message after a change of it. */
export function changed(entry: MessageEntry, fact: Fact): MessageEntry {
  if (entry.deleted) return entry;
  switch (fact.type) {
    case 'edit':
      return {
        ...entry,
        ...{ body: fact.body, edited_at: fact.at },
        // Whom a pending edit mentions only the server will know.
        ...{ mentions: fact.mentions ?? entry.mentions },
        ...{ mentions_all: fact.mentions_all ?? entry.mentions_all },
        ...{ previews: stillLinked(entry.previews, fact.body) },
      };
    case 'delete':
      // The ref stays, by which the outbox knows a message of its own and the line keeps the focus.
      return {
        ...entry,
        ...{ body: '', edited_at: null, deleted: true, pinned: false, reactions: [] },
        ...{ mentions: [], mentions_all: false, shown_as: null, files: [], previews: [] },
      };
    case 'reaction':
      return { ...entry, reactions: react(entry.reactions, fact) };
    case 'pin':
      return { ...entry, pinned: fact.pinned };
    case 'preview':
      return { ...entry, previews: fact.previews ?? [] };
  }
}

function stillLinked(previews: readonly LinkPreview[], body: string): readonly LinkPreview[] {
  return previews.filter(({ url }) => body.includes(url));
}

/** Users and emojis keep the order in which they came, as in the server's fold. */
function react(
  reactions: readonly Reaction[],
  { emoji, user_id, added }: Extract<Fact, { type: 'reaction' }>,
): readonly Reaction[] {
  const known = reactions.find((reaction) => reaction.emoji === emoji);
  if (added === (known?.user_ids.includes(user_id) ?? false)) return reactions;
  if (!known) return [...reactions, { emoji, count: 1, user_ids: [user_id] }];
  const user_ids = added
    ? [...known.user_ids, user_id]
    : known.user_ids.filter((id) => id !== user_id);
  const count = known.count + (added ? 1 : -1);
  return reactions
    .map((reaction) => (reaction === known ? { emoji, count, user_ids } : reaction))
    .filter((reaction) => reaction.count > 0);
}
