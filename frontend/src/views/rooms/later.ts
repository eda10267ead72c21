/** The views of rooms that the first picture does without. */

export { Browse } from './Browse';
export { CreateRoom } from './CreateRoom';
export { InvitePlace } from './InvitePlace';
export { LeaveRoom } from './LeaveRoom';
export { MembersPanel } from './MembersPanel';
export { Mentions } from './Mentions';
export { NewDirect } from './NewDirect';
export { PlaceMenu } from './PlaceMenu';
export { RoomNotices } from './RoomNotices';
export { Stranger } from './Stranger';
