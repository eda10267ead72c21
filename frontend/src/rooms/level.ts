/** Of which messages a user wants to hear, by room. Times are those of this machine, which also made them. Pure. */
import type { Notify, Room } from 'tailwire-client/wire/protocol';

// The server's default.
const BY_DEFAULT: Notify = { level: 'mentions', muted_until: null };
// No clock of a user gets there.
export const FOR_EVER = '9999-12-31T00:00:00.000Z';
const HOUR_MILLISECONDS = 3_600_000;
const MORNING_HOUR = 8;

export function notifyOf({ notify }: Pick<Room, 'notify'>): Notify {
  return notify ?? BY_DEFAULT;
}

/** Whether the room is muted at this time. */
export function isMuted(room: Pick<Room, 'notify'>, now: Date): boolean {
  const { level, muted_until } = notifyOf(room);
  return level === 'none' || (muted_until !== null && Date.parse(muted_until) > now.getTime());
}

/** Whether the user wants to hear of a message of the room at this time. What is said in a direct room is said to them. */
export function wants(room: Pick<Room, 'notify' | 'kind'>, isMention: boolean, now: Date): boolean {
  const isMeant = isMention || room.kind === 'direct';
  return !isMuted(room, now) && (isMeant || notifyOf(room).level === 'all');
}

/** How many messages are unread in those of these rooms that are not muted. */
export function unreadIn(rooms: Iterable<Room>, now: Date): number {
  let total = 0;
  for (const room of rooms) if (!isMuted(room, now)) total += room.unread_count ?? 0;
  return total;
}

/** How many of them mention the user. */
export function mentionsIn(rooms: Iterable<Room>, now: Date): number {
  let total = 0;
  for (const room of rooms) if (!isMuted(room, now)) total += room.mention_count ?? 0;
  return total;
}

export type MuteChoice = 'hour' | 'workday' | 'tomorrow' | 'ever';

/** Until when a room is muted that is muted now. */
export function mutedUntil(choice: MuteChoice, now: Date): string {
  switch (choice) {
    case 'hour':
      return new Date(now.getTime() + HOUR_MILLISECONDS).toISOString();
    case 'workday':
      return new Date(now.getTime() + 8 * HOUR_MILLISECONDS).toISOString();
    case 'tomorrow': {
      const morning = new Date(now);
      morning.setDate(morning.getDate() + 1);
      morning.setHours(MORNING_HOUR, 0, 0, 0);
      return morning.toISOString();
    }
    case 'ever':
      return FOR_EVER;
  }
}
