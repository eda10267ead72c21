/** Tells in passing whether a text has to be read at all. Most messages have no markup. Pure. */

const MARKUP = /[`*~_[<|]|:[a-z0-9_+-]|@[\p{L}\p{Nd}]|^[ \t]*(?:>|[-+] |\d+[.)] )/imu;

/** False where the text is shown as it is, which needs no parser. */
export function mayHoldMarkup(text: string): boolean {
  return MARKUP.test(text);
}

// More of them are a text, and are as large as one.
const MOST_LARGE = 12;
const EMOJI = String.raw`(?:\p{Regional_Indicator}{2}|[\d#*]\ufe0f?\u20e3|(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f)[\u{1f3fb}-\u{1f3ff}\u{e0020}-\u{e007f}]*(?:\u200d\p{Extended_Pictographic}[\ufe0f\u{1f3fb}-\u{1f3ff}]*)*)`;
const FEW_EMOJI = new RegExp(`^\\s*(?:${EMOJI}\\s*){1,${MOST_LARGE}}$`, 'u');
// The longest emoji, a flag of tags or a family, has fewer than 20 UTF-16 units.
const MOST_UNITS = MOST_LARGE * 20;

/** Whether a text is nothing but a few emoji, which are shown large. */
export function isFewEmoji(text: string): boolean {
  return text.length <= MOST_UNITS && FEW_EMOJI.test(text);
}
