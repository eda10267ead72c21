/** The views of rooms that the first picture does without. */

export { Browse } from './Browse';
export { CreateRoom } from './CreateRoom';
export { LeaveRoom } from './LeaveRoom';
export { MembersPanel } from './MembersPanel';
export { Mentions } from './Mentions';
export { RoomNotices } from './RoomNotices';
export { Stranger } from './Stranger';
