/** The views of rooms that the first picture does without. */

export { Browse } from './Browse';
export { CreateRoom } from './CreateRoom';
export { InvitePlace } from './InvitePlace';
export { MembersPanel } from './MembersPanel';
export { Mentions } from './Mentions';
export { NewDirect } from './NewDirect';
export { PersonDialog } from './PersonDialog';
export { PlaceMenu } from './PlaceMenu';
export { RenameSection } from './RenameSection';
export { RoomDialogs } from './RoomMenu';
export { Stranger } from './Stranger';
export { Welcome } from './Welcome';
