/** How messages look once the pending changes of the user are carried out. Pure. */
import type { PendingChange } from 'tailwire-client/rooms/pending';
import {
  changed,
  type Fact,
  type MessageEntry,
  type Timeline,
} from 'tailwire-client/rooms/timeline';

export type ChangesBySeq = ReadonlyMap<number, readonly PendingChange[]>;

/** The changes of each message of the log that has this epoch, in their order. */
export function bySeq(changes: readonly PendingChange[], epoch: string): ChangesBySeq {
  const map = new Map<number, PendingChange[]>();
  for (const change of changes) {
    const { command } = change;
    if (command.epoch !== epoch) continue;
    const others = map.get(command.seq);
    if (others) others.push(change);
    else map.set(command.seq, [change]);
  }
  return map;
}

/** The message after these changes, but for those that failed; the same object where none counts. */
export function overlaid(
  entry: MessageEntry,
  changes: readonly PendingChange[],
  me: string,
): MessageEntry {
  return changes
    .filter(({ state }) => state !== 'failed')
    .reduce((now, change) => changed(now, factOf(change, me, now)), entry);
}

/** The seq of the user's last message that is not deleted; null where the newest is not loaded. */
export function lastOwn(
  { entries, loaded_to }: Timeline,
  changes: ChangesBySeq,
  me: string,
): number | null {
  if (loaded_to !== null) return null;
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = entries[index];
    if (entry?.kind !== 'message' || entry.user_id !== me) continue;
    if (!overlaid(entry, changes.get(entry.seq) ?? [], me).deleted) return entry.seq;
  }
  return null;
}

function factOf(
  { command, at }: PendingChange,
  me: string,
  { mentions, mentions_all }: MessageEntry,
): Fact {
  switch (command.type) {
    case 'edit':
      // Whom the new text mentions is known when the server has stored it.
      return { type: 'edit', body: command.body, at, mentions, mentions_all };
    case 'delete':
      return { type: 'delete' };
    case 'react':
    case 'unreact':
      return {
        ...{ type: 'reaction', emoji: command.emoji, user_id: me },
        added: command.type === 'react',
      };
    case 'pin':
    case 'unpin':
      return { type: 'pin', pinned: command.type === 'pin' };
    case 'remove_previews':
      return { type: 'preview' };
  }
}
