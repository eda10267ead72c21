import { useState } from 'preact/hooks';
import type { MessageEntry } from 'tailwire-client/rooms/timeline';
import { isPicture } from 'tailwire-client/wire/files';
import type { Room } from 'tailwire-client/wire/protocol';
import { useSession } from '../parts/context';
import { Viewer } from '../parts/Viewer';

interface RoomPicturesProps {
  room: Room;
  /** The message at whose pictures the viewer opens. */
  entry: MessageEntry;
  file_id: string | undefined;
  onClose(): void;
}

/** The pictures of the messages that are loaded, opened at one of them. */
export function RoomPictures({ room, entry, file_id, onClose }: RoomPicturesProps) {
  const { blocks, timelines } = useSession();
  const [shown, setShown] = useState(file_id ?? '');
  const entries = timelines.get(room.id)?.value.entries ?? [];
  // A thread may show a message that the room has not loaded.
  const all = entries.some(({ seq }) => seq === entry.seq) ? entries : [entry];
  const pictures = all.flatMap((one) =>
    one.kind === 'message' && !blocks.has(one.user_id) ? one.files.filter(isPicture) : [],
  );
  return <Viewer pictures={pictures} file_id={shown} onShow={setShown} onClose={onClose} />;
}
