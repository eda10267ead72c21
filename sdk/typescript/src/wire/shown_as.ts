/** How an incoming hook asks to be shown with a message. */
export interface ShownAs {
  name: string;
  /** It is kept, and never loaded. */
  icon_url: string | null;
  /** An emoji, or the name of one without colons. */
  icon_emoji?: string | null;
}
