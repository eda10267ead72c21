import { useEffect, useState } from 'preact/hooks';
import { findEntry } from 'tailwire-client/rooms/timeline';
import { type FileShown, isPicture, type ListedFile } from 'tailwire-client/wire/files';
import type { Room } from 'tailwire-client/wire/protocol';
import { messageHash } from '../../browser/router';
import { sizeText } from '../../browser/sizes';
import { mediumTime } from '../../browser/time';
import { kindText } from '../../rooms/file_kinds';
import type { FileParts } from '../../rooms/files';
import { PagedList } from '../../wire/paged_list';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { FileIcon } from '../parts/FileIcon';
import { LoadFailure } from '../parts/LoadFailure';
import { MoreButton } from '../parts/MoreButton';
import { Name } from '../parts/Name';
import { Picture, useFileUrl } from '../parts/Picture';
import { Viewer } from '../parts/Viewer';

/** All files of a room, the newest first. */
export function RoomFiles({ room, onClose }: { room: Room; onClose(): void }) {
  const parts = useSession().files.value;
  return (
    <Dialog title="Files" onClose={onClose}>
      {parts ? (
        <List room={room} api={parts.api} onClose={onClose} />
      ) : (
        <p role="status">Loading…</p>
      )}
    </Dialog>
  );
}

interface ListProps {
  room: Room;
  api: FileParts['api'];
  onClose(): void;
}

function List({ room, api, onClose }: ListProps) {
  const { blocks, timelines } = useSession();
  const [list] = useState(() => new PagedList<ListedFile>((cursor) => api.of(room.id, cursor)));
  const [viewed, setViewed] = useState<string | null>(null);
  useEffect(() => void list.load(), [list]);
  const timeline = timelines.get(room.id)?.value;
  const isDeleted = (seq: number) => {
    const message = timeline && findEntry(timeline, seq);
    return message?.kind === 'message' && message.deleted;
  };
  const files = list.items.value.filter(
    ({ seq, user_id }) => !blocks.has(user_id) && !isDeleted(seq),
  );
  const state = list.state.value;
  return (
    <>
      {state === 'failed' && (
        <LoadFailure error={list.error.value} onAgain={() => void list.load()} />
      )}
      {state === 'loading' && files.length === 0 && <p role="status">Loading…</p>}
      {state === 'loaded' && files.length === 0 && <p>No file was sent here yet.</p>}
      <ul class="room-files">
        {files.map((file) => (
          <li key={file.file_id}>
            <Mark file={file} onOpen={() => setViewed(file.file_id)} />
            <div class="room-file">
              <FileLink file={file} />
              <small>
                {kindText(file.type)}, {sizeText(file.size)},{' '}
                <Name of={{ user_id: file.user_id, username: 'somebody' }} />{' '}
                <time dateTime={file.at}>{mediumTime(file.at)}</time>
              </small>
            </div>
            <a class="link-button" href={messageHash(room.id, file.seq)} onClick={onClose}>
              Show<span class="visually-hidden"> the message of {file.name}</span>
            </a>
          </li>
        ))}
      </ul>
      <MoreButton list={list}>Show more</MoreButton>
      {viewed && (
        <Viewer
          pictures={files.filter(isPicture)}
          file_id={viewed}
          onShow={setViewed}
          onClose={() => setViewed(null)}
        />
      )}
    </>
  );
}

function Mark({ file, onOpen }: { file: FileShown; onOpen(): void }) {
  if (!isPicture(file))
    return (
      <span class="room-file-mark">
        <FileIcon name="file" />
      </span>
    );
  return (
    <button type="button" class="room-file-mark" onClick={onOpen}>
      <span class="visually-hidden">Open </span>
      <Picture file={file} thumb />
    </button>
  );
}

function FileLink({ file }: { file: FileShown }) {
  const url = useFileUrl(file, false);
  if (url === null) return <bdi class="file-name">{file.name}</bdi>;
  return (
    <a class="file-name" href={url} download={file.name}>
      <bdi>{file.name}</bdi>
    </a>
  );
}
