import { useRef } from 'preact/hooks';
import { indexOfSeq, type Timeline } from 'tailwire-client/rooms/timeline';
import type { Room } from 'tailwire-client/wire/protocol';
import { clockTime, dayKey, mediumTime } from '../../browser/time';
import type { Divider, Shown } from '../../rooms/reading';
import { MAX_UNREAD } from '../../rooms/unread';
import { useApp, useSession } from '../parts/context';
import { Icon } from '../parts/Icon';

interface UnreadBarProps {
  room: Room;
  timeline: Timeline;
  onFirst(): void;
  onNewest(): void;
}

/** Says how much is new and since when, while not all of it was shown, and leads there. */
export function UnreadBar({ room, timeline, onFirst, onNewest }: UnreadBarProps) {
  const { now } = useApp();
  const { reading, user_id } = useSession();
  const divider = reading.divider.value;
  const since = useRef<{ seq: number; at: string } | null>(null);
  if (!isNew(room, divider)) return null;
  const at = beginning(timeline, divider.seq, user_id);
  if (at) since.current = { seq: divider.seq, at };
  const known = since.current?.seq === divider.seq ? since.current.at : null;
  const count = Math.max(divider.count, room.unread_count ?? 0);
  const above = isAbove(room, reading.shown.value);
  return (
    <section class="unread-bar" aria-label="New messages">
      <p>
        <strong>{countText(count)} new</strong>
        {known && ` since ${sinceText(known, now.today.value)}`}
      </p>
      <button type="button" class="link-button" onClick={above ? onFirst : onNewest}>
        Jump<span class="unread-bar-rest"> to {above ? 'the first' : 'newest'}</span>
      </button>
      <button type="button" class="link-button" onClick={() => reading.readAll(room.id)}>
        Mark as read
      </button>
    </section>
  );
}

/** The button at the end of the timeline, unless the bar leads there already. */
export function JumpToNewest({ room, onJump }: { room: Room; onJump(): void }) {
  const { reading } = useSession();
  if (isNew(room, reading.divider.value) && !isAbove(room, reading.shown.value)) return null;
  return (
    <button type="button" class="jump" onClick={onJump}>
      <Icon name="down" size={18} />
      {room.unread_count ? `${countText(room.unread_count)} new` : 'Latest'}
      <span class="visually-hidden"> messages: go to the end</span>
    </button>
  );
}

function isNew(room: Room, divider: Divider | null): divider is Divider {
  return !!room.unread_count && divider?.room_id === room.id && divider.epoch === room.epoch;
}

/** Whether the first unread message is before what is on the screen. */
function isAbove({ first_unread_seq }: Room, shown: Shown | null): boolean {
  return shown !== null && first_unread_seq != null && first_unread_seq < shown.from;
}

/** When the first new message was written; null where it is not loaded. */
function beginning({ entries, loaded_from }: Timeline, seq: number, me: string): string | null {
  if (loaded_from > seq + 1) return null;
  for (let index = indexOfSeq(entries, seq + 1); index < entries.length; index++) {
    const entry = entries[index];
    if (entry?.kind === 'message' && entry.user_id !== me) return entry.at;
  }
  return null;
}

function sinceText(at: string, today: Date): string {
  return dayKey(at) === dayKey(today.toISOString()) ? clockTime(at) : mediumTime(at);
}

function countText(count: number): string {
  return count < MAX_UNREAD ? String(count) : `${MAX_UNREAD}+`;
}
