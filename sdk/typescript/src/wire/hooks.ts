import type * as http from './generated/http.ts';

/** An address at which programs post into a room, as the bot `user_id`. */
export type Hook = Omit<http.HookOut, 'room_id'>;

/** A hook that was just made. Its address is not shown again. */
export type MadeHook = Hook & Pick<http.MadeHook, 'url'>;
