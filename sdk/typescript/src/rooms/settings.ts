/** What owners and moderators set of a room. Pure. */
import type { RoomSettings } from '../wire/protocol.ts';

/** All settings of a room. None is missing. */
export type AllSettings = { [N in keyof Required<RoomSettings>]: NonNullable<RoomSettings[N]> };

/** The settings of a room, or those that an entry tells. What has its default may be missing there. */
export function settingsOf(room: RoomSettings): AllSettings {
  const { name, visibility } = room;
  return {
    ...{ name, visibility },
    topic: room.topic ?? '',
    archived: room.archived ?? false,
    slow_seconds: room.slow_seconds ?? 0,
    post_role: room.post_role ?? 'member',
    avatar: room.avatar ?? '',
  };
}
