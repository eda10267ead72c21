/** The views of messages that the first picture does without. */

import '../../styles/files.css';
import '../../styles/previews.css';
import '../../styles/viewer.css';

export { EmojiPicker } from '../parts/EmojiPicker';
export { ActDialogs } from './ActDialogs';
export { Completion } from './Completion';
export { DroppedChanges } from './DroppedChanges';
export { Files } from './Files';
export { FileTray } from './FileTray';
export { format, formatsBy } from './formatting';
export { MarkBar } from './MarkBar';
export { MessageEditor } from './MessageEditor';
export { PinsDialog } from './PinsDialog';
export { Previews } from './Previews';
export { RoomNotice } from './RoomNotice';
export { SeenBy } from './SeenBy';
export { ThreadPanel } from './ThreadPanel';
