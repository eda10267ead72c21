/** The views of messages that the first picture does without. */

export { EmojiPicker } from '../parts/EmojiPicker';
export { ActDialogs } from './ActDialogs';
export { MarkBar } from './MarkBar';
export { PinsDialog } from './PinsDialog';
export { ThreadPanel } from './ThreadPanel';
