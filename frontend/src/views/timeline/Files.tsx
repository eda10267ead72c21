import { useRef, useState } from 'preact/hooks';
import { type FileShown, isPicture } from 'tailwire-client/wire/files';
import { sizeText } from '../../browser/sizes';
import { kindText } from '../../rooms/file_kinds';
import { useSession } from '../parts/context';
import { FileIcon } from '../parts/FileIcon';
import { Picture, useFileUrl } from '../parts/Picture';

// A single picture is no larger than this, in CSS pixels.
const MOST_WIDTH = 400;
const MOST_HEIGHT = 320;
// A picture of one pixel is still something to press.
const LEAST_SIDE = 48;

export interface FilesProps {
  files: readonly FileShown[] | undefined;
  /** The files of a message that is on its way. */
  ids: readonly string[] | undefined;
  /** Opens a picture. Missing where there is nothing to open it in. */
  onOpen(file_id: string): void;
}

/** The files of a message: pictures in their final size from the first moment, players, and cards. */
export function Files({ files, ids = [], onOpen }: FilesProps) {
  const parts = useSession().files.value;
  const shown = files ?? parts?.uploads.shown(ids) ?? [];
  const pictures = shown.filter(isPicture);
  const others = shown.filter((file) => !isPicture(file));
  const missing = files ? 0 : ids.length - shown.length;
  return (
    <div class="files">
      {pictures.length > 0 && (
        <div class={pictures.length > 1 ? 'pictures' : 'picture-alone'}>
          {pictures.map((file) => (
            <button
              key={file.file_id}
              type="button"
              class="picture"
              tabIndex={-1}
              style={pictures.length > 1 ? undefined : sizeOf(file)}
              onClick={() => onOpen(file.file_id)}
            >
              <span class="visually-hidden">Open </span>
              <Picture file={file} thumb />
            </button>
          ))}
        </div>
      )}
      {others.map((file) => (
        <Other key={file.file_id} file={file} />
      ))}
      {missing > 0 && (
        <p class="file-card">
          <FileIcon name="file" />
          {missing === 1 ? 'A file' : `${missing} files`}
        </p>
      )}
    </div>
  );
}

/** The size of a picture that stands alone. The space for it does not change when it comes. */
function sizeOf({ width, height }: FileShown) {
  const [across, down] = [width ?? 1, height ?? 1];
  const scale = Math.min(1, MOST_WIDTH / across, MOST_HEIGHT / down);
  const shownWidth = Math.max(LEAST_SIDE, Math.round(across * scale));
  const shownHeight = Math.max(LEAST_SIDE, Math.round(down * scale));
  return { width: `min(100%, ${shownWidth}px)`, aspectRatio: `${shownWidth} / ${shownHeight}` };
}

function Other({ file }: { file: FileShown }) {
  const [kind] = file.type.split('/');
  if (kind === 'audio' || kind === 'video') return <Player file={file} kind={kind} />;
  return <FileCard file={file} />;
}

/**
 * Plays a sound or a film. A film may be longer than its address is valid, so when the address ends it goes on with the
 * newest one, where it was.
 */
function Player({ file, kind }: { file: FileShown; kind: 'audio' | 'video' }) {
  const newest = useFileUrl(file, false);
  const [src, setSrc] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const at = useRef(0);
  if (src === null && newest !== null) setSrc(newest);
  const Element = kind;
  if (failed) return <FileCard file={file} />;
  return (
    <figure class={`player ${kind}`}>
      <Element
        src={src ?? undefined}
        controls
        preload={kind === 'video' ? 'metadata' : 'none'}
        aria-label={file.alt || file.name}
        tabIndex={-1}
        onTimeUpdate={({ currentTarget }: { currentTarget: HTMLMediaElement }) => {
          at.current = currentTarget.currentTime;
        }}
        onLoadedMetadata={({ currentTarget }: { currentTarget: HTMLMediaElement }) => {
          if (at.current > 0) currentTarget.currentTime = at.current;
        }}
        onError={() => {
          if (newest !== null && newest !== src) setSrc(newest);
          else if (src !== null) setFailed(true);
        }}
      />
      <figcaption>
        <FileName file={file} />
      </figcaption>
    </figure>
  );
}

/** A file that is saved, and not shown. */
export function FileCard({ file }: { file: FileShown }) {
  return (
    <p class="file-card">
      <FileIcon name="file" />
      <FileName file={file} />
    </p>
  );
}

function FileName({ file }: { file: FileShown }) {
  const url = useFileUrl(file, false);
  return (
    <span class="file-name">
      {url === null ? (
        <bdi>{file.name}</bdi>
      ) : (
        <a href={url} download={file.name} tabIndex={-1} title={`Save ${file.name}`}>
          <bdi>{file.name}</bdi>
        </a>
      )}
      <small>
        {kindText(file.type)}, {sizeText(file.size)}
      </small>
    </span>
  );
}
