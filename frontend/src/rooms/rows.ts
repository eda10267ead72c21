/** Turns entries and pending messages into the rows that the timeline shows. Pure. */

import type { PendingChange, PendingMessage } from 'tailwire-client/rooms/pending';
import type { AllSettings } from 'tailwire-client/rooms/settings';
import type { Entry, MessageEntry, NoticeEntry } from 'tailwire-client/rooms/timeline';
import { dayKey } from '../browser/time';
import { type ChangesBySeq, overlaid } from './overlay';

// After this time a message gets a heading again, even from the same author.
const GROUP_MILLISECONDS = 5 * 60_000;

// That of its owner, and that of its name.
const FIRST_ENTRIES = 2;

export type Row =
  | { kind: 'day'; key: string; at: string }
  | { kind: 'unread'; key: string }
  | {
      kind: 'message';
      key: string;
      /** With the pending changes of the user. */
      entry: MessageEntry;
      changes: readonly PendingChange[];
      leads: boolean;
    }
  | {
      kind: 'notice';
      key: string;
      entry: NoticeEntry;
      /** The room before what is told; null where it is not known. */
      before: AllSettings | null;
    }
  | { kind: 'pending'; key: string; pending: PendingMessage; leads: boolean };

interface RowsInput {
  entries: readonly Entry[];
  pending: readonly PendingMessage[];
  changes: ChangesBySeq;
  /** How the room was before the first of the entries; null where it is not known. */
  settings: AllSettings | null;
  /** The unread line is before the first message of others after this seq. */
  divider: number | null;
  me: string;
  /** Whether the room is a direct one, whose people never change: that they came in is no news. */
  isDirect: boolean;
}

const NONE: readonly PendingChange[] = [];

export function rowsOf(input: RowsInput): Row[] {
  const { entries, pending, changes, settings, divider, me, isDirect } = input;
  const rows: Row[] = [];
  let before = settings;
  let day = '';
  let previous: { user_id: string; at: string; shown: string } | null = null;
  let divided = divider === null;

  const follows = (user_id: string, at: string, shown: string) => {
    const near = previous && Date.parse(at) - Date.parse(previous.at) < GROUP_MILLISECONDS;
    return near && previous?.user_id === user_id && previous.shown === shown;
  };
  const startDay = (at: string) => {
    const key = dayKey(at);
    if (key === day) return;
    day = key;
    previous = null;
    rows.push({ kind: 'day', key: `day ${key}`, at });
  };

  for (const entry of entries) {
    if (isDirect && entry.kind === 'notice' && entry.notice.type === 'member' && entry.notice.role)
      continue;
    startDay(entry.at);
    if (entry.kind === 'notice') {
      const { seq, notice } = entry;
      const isRoom = notice.type === 'room';
      // A room begins with what it is called. That is no change.
      if (!isRoom || before || seq > FIRST_ENTRIES)
        rows.push({ kind: 'notice', key: `seq ${seq}`, entry, before });
      if (isRoom) before = notice;
      previous = null;
      continue;
    }
    const { user_id, at } = entry;
    const shown = entry.shown_as?.name ?? '';
    if (!divided && divider !== null && entry.seq > divider && user_id !== me) {
      divided = true;
      previous = null;
      rows.push({ kind: 'unread', key: 'unread' });
    }
    const own = changes.get(entry.seq) ?? NONE;
    rows.push({
      kind: 'message',
      key: rowKey(entry, me),
      entry: overlaid(entry, own, me),
      changes: own,
      leads: !follows(user_id, at, shown),
    });
    previous = { user_id, at, shown };
  }
  for (const item of pending) {
    startDay(item.at);
    rows.push({
      kind: 'pending',
      key: `ref ${item.command.ref}`,
      pending: item,
      leads: !follows(me, item.at, ''),
    });
    previous = { user_id: me, at: item.at, shown: '' };
  }
  return rows;
}

/** How the room was before the entry at an index, as the entries tell it; null where they do not. */
export function settingsBefore(entries: readonly Entry[], index: number): AllSettings | null {
  for (let at = index - 1; at >= 0; at--) {
    const entry = entries[at];
    if (entry?.kind === 'notice' && entry.notice.type === 'room') return entry.notice;
  }
  return null;
}

/** A message of the user has the key of its pending row, so it replaces that row. */
function rowKey({ seq, user_id, ref }: MessageEntry, me: string): string {
  return user_id === me && ref ? `ref ${ref}` : `seq ${seq}`;
}
