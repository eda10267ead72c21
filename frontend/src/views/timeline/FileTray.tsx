import type { RefObject } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { withoutHeic } from '../../browser/heic';
import { sizeText } from '../../browser/sizes';
import type { Upload } from '../../rooms/upload';
import { MOST_ALT, type Uploads } from '../../rooms/uploads';
import { useSession } from '../parts/context';
import { FileIcon } from '../parts/FileIcon';
import { Icon } from '../parts/Icon';

const PREVIEW_PIXELS = 96;

export interface TrayProps {
  room_id: string;
  draft: string;
  field: RefObject<HTMLTextAreaElement | null>;
}

/** The files that are to be sent: the button that chooses them, those of the draft, and messages that wait for theirs. */
export function FileTray(props: TrayProps) {
  const { features, files } = useSession();
  const uploads = files.value?.uploads;
  // What waits is shown before the server has said that it takes files.
  return uploads ? (
    <Tray {...props} uploads={uploads} isOpen={features.value.has('files')} />
  ) : null;
}

interface OpenTrayProps extends TrayProps {
  uploads: Uploads;
  /** Whether files can be chosen. */
  isOpen: boolean;
}

function Tray({ room_id, draft, field, uploads, isOpen }: OpenTrayProps) {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const attached = uploads.in(draft);
  const waiting = uploads.parcels.value.filter((parcel) => parcel.room_id === room_id);
  const add = async (files: readonly File[]) => {
    if (files.length === 0 || !isOpen) return;
    field.current?.focus();
    uploads.add(room_id, draft, await Promise.all(files.map(withoutHeic)));
  };
  useDrops(field, add, setOver);
  return (
    <>
      {isOver && (
        <p class="drop-here" aria-hidden="true">
          Drop files here to send them
        </p>
      )}
      {(attached.length > 0 || waiting.length > 0 || uploads.notice.value) && (
        <section class="tray" aria-label="Files to send">
          {waiting.map(({ ref, body }) => (
            <div class="tray-parcel" key={ref}>
              <p>
                Sent when its files are there{body && ': '}
                <bdi>{body}</bdi>
              </p>
              <Items items={uploads.of(ref)} uploads={uploads} />
            </div>
          ))}
          <Items items={attached} uploads={uploads} />
          {uploads.notice.value && (
            <p class="tray-notice" role="alert">
              {uploads.notice.value}{' '}
              <button
                type="button"
                class="link-button"
                onClick={() => {
                  uploads.notice.value = null;
                }}
              >
                OK
              </button>
            </p>
          )}
        </section>
      )}
      <input
        ref={input}
        type="file"
        multiple
        hidden
        disabled={!isOpen}
        tabIndex={-1}
        aria-label="Files"
        onChange={({ currentTarget }) => {
          add([...(currentTarget.files ?? [])]);
          currentTarget.value = '';
        }}
      />
      {isOpen && (
        <>
          <button
            type="button"
            class="icon-button"
            aria-label="Attach files"
            title="Attach files"
            onClick={() => input.current?.click()}
          >
            <FileIcon name="clip" />
          </button>
          <Camera onFiles={add} />
        </>
      )}
    </>
  );
}

/** Takes a picture, where the device has a camera that is held in the hand. */
function Camera({ onFiles }: { onFiles(files: File[]): void }) {
  const input = useRef<HTMLInputElement>(null);
  if (!window.matchMedia('(pointer: coarse)').matches) return null;
  return (
    <>
      <input
        ref={input}
        type="file"
        accept="image/*"
        capture="environment"
        hidden
        tabIndex={-1}
        aria-label="Camera"
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])]);
          currentTarget.value = '';
        }}
      />
      <button
        type="button"
        class="icon-button"
        aria-label="Take a picture"
        title="Take a picture"
        onClick={() => input.current?.click()}
      >
        <FileIcon name="camera" />
      </button>
    </>
  );
}

function Items({ items, uploads }: { items: readonly Upload[]; uploads: Uploads }) {
  if (items.length === 0) return null;
  return (
    <ul class="tray-items">
      {items.map((upload) => (
        <Item key={upload.id} upload={upload} uploads={uploads} />
      ))}
    </ul>
  );
}

function Item({ upload, uploads }: { upload: Upload; uploads: Uploads }) {
  const id = useId();
  const { name, size, state, offset, error, alt } = upload;
  const isPicture = upload.type.startsWith('image/');
  return (
    <li class={`tray-item ${state}`}>
      <Preview upload={upload} uploads={uploads} />
      <div class="tray-about">
        <bdi class="tray-name">{name}</bdi>
        {state === 'failed' ? (
          <span class="tray-state" role="alert">
            {error}
          </span>
        ) : (
          <span class="tray-state">{STATES[state](offset, size)}</span>
        )}
        {state !== 'failed' && state !== 'whole' && (
          <progress
            aria-label={`Upload of ${name}`}
            max={Math.max(1, size)}
            value={state === 'waiting' && offset === 0 ? 0 : offset}
          />
        )}
        {isPicture && upload.ref === null && state !== 'failed' && (
          <>
            <label class="visually-hidden" for={id}>
              Describe {name}
            </label>
            <input
              id={id}
              type="text"
              class="tray-alt"
              dir="auto"
              maxLength={MOST_ALT}
              defaultValue={alt}
              placeholder="Describe it for who cannot see it"
              onInput={({ currentTarget }) => uploads.describe(upload.id, currentTarget.value)}
            />
          </>
        )}
      </div>
      {state === 'failed' && !upload.refused && uploads.bytesOf(upload.id) && (
        <button type="button" class="link-button" onClick={() => uploads.retry(upload.id)}>
          Retry<span class="visually-hidden"> {name}</span>
        </button>
      )}
      <button
        type="button"
        class="icon-button"
        aria-label={`Remove ${name}`}
        title="Remove"
        onClick={() => uploads.remove(upload.id)}
      >
        <Icon name="close" size={16} />
      </button>
    </li>
  );
}

const STATES = {
  waiting: (offset: number, size: number) =>
    offset > 0
      ? `Waiting, ${sizeText(offset)} of ${sizeText(size)} are there`
      : `Waiting, ${sizeText(size)}`,
  going: (offset: number, size: number) => `${sizeText(offset)} of ${sizeText(size)}`,
  whole: (_: number, size: number) => sizeText(size),
};

/** What a picture looks like, drawn from its bytes while the page has them. */
function Preview({ upload, uploads }: { upload: Upload; uploads: Uploads }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [isDrawn, setDrawn] = useState(false);
  const isPicture = upload.type.startsWith('image/');
  useEffect(() => {
    const bytes = uploads.bytesOf(upload.id);
    if (!isPicture || !bytes) return;
    let isWanted = true;
    createImageBitmap(bytes, { resizeHeight: PREVIEW_PIXELS, resizeQuality: 'medium' }).then(
      (bitmap) => {
        const element = canvas.current;
        if (element && isWanted) {
          element.width = bitmap.width;
          element.height = bitmap.height;
          element.getContext('2d')?.drawImage(bitmap, 0, 0);
          setDrawn(true);
        }
        bitmap.close();
      },
      () => {},
    );
    return () => {
      isWanted = false;
    };
  }, [upload.id]);
  return (
    <span class="tray-preview">
      {isPicture && <canvas ref={canvas} hidden={!isDrawn} />}
      {!isDrawn && <FileIcon name="clip" />}
    </span>
  );
}

/** Takes files that are pasted into the field, or dropped on the conversation that it belongs to. */
function useDrops(
  field: RefObject<HTMLTextAreaElement | null>,
  onFiles: (files: File[]) => void,
  onOver: (isOver: boolean) => void,
): void {
  const latest = useRef(onFiles);
  latest.current = onFiles;
  useEffect(() => {
    const area = field.current;
    const place = area?.closest<HTMLElement>('.thread, .place');
    if (!area || !place) return;
    const onPaste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      // What was copied from a text has its picture beside it: the text is meant.
      if (files.length === 0 || event.clipboardData?.types.includes('text/plain')) return;
      event.preventDefault();
      latest.current(files);
    };
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const onDrag = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      onOver(true);
    };
    const onLeave = (event: DragEvent) => {
      if (!(event.relatedTarget instanceof Node) || !place.contains(event.relatedTarget))
        onOver(false);
    };
    const onDrop = (event: DragEvent) => {
      onOver(false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      latest.current([...(event.dataTransfer?.files ?? [])]);
    };
    area.addEventListener('paste', onPaste);
    place.addEventListener('dragover', onDrag);
    place.addEventListener('dragleave', onLeave);
    place.addEventListener('drop', onDrop);
    return () => {
      area.removeEventListener('paste', onPaste);
      place.removeEventListener('dragover', onDrag);
      place.removeEventListener('dragleave', onLeave);
      place.removeEventListener('drop', onDrop);
    };
  }, [field]);
}
