/** The views of messages that the first picture does without. */

export { EmojiPicker } from '../parts/EmojiPicker';
export { ActDialogs } from './ActDialogs';
export { Completion } from './Completion';
export { DroppedChanges } from './DroppedChanges';
export { format, formatsBy } from './formatting';
export { MarkBar } from './MarkBar';
export { MessageEditor } from './MessageEditor';
export { PinsDialog } from './PinsDialog';
export { RoomNotice } from './RoomNotice';
export { SeenBy } from './SeenBy';
export { ThreadPanel } from './ThreadPanel';
