import type { ShownAsFields } from './generated/socket.ts';

/** How an incoming hook asks to be shown with a message. The address of its picture is kept, and never loaded. */
export type ShownAs = Omit<ShownAsFields, 'icon_emoji'> & {
  /** An emoji, or the name of one without colons. */
  icon_emoji?: string | null;
};
