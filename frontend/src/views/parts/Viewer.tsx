import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { FileShown } from 'tailwire-client/wire/files';
import { onKeys } from '../../browser/keys';
import { FileIcon } from './FileIcon';
import { Icon } from './Icon';
import { Picture, useFileUrl } from './Picture';
import { FIT, moved, type Zoom, zoomed } from './zoom';

// A finger that goes further than this has swiped.
const SWIPE_PIXELS = 60;
const STEP = 1.5;
const DOUBLE = 2.5;

interface ViewerProps {
  /** In the order in which they are looked through. */
  pictures: readonly FileShown[];
  /** The id of the one that is shown. */
  file_id: string;
  onShow(file_id: string): void;
  onClose(): void;
}

/**
 * Shows pictures one at a time over the whole window: next and previous by keys, buttons and swiping, and larger by keys,
 * buttons, the wheel, a double click or two fingers. It is a modal dialog of the browser, which holds the focus.
 */
export function Viewer({ pictures, file_id, onShow, onClose }: ViewerProps) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const index = pictures.findIndex((one) => one.file_id === file_id);
  const file = pictures[index];
  useLayoutEffect(() => {
    const element = dialog.current;
    if (!element) return;
    const opener = document.activeElement;
    element.showModal();
    element.focus();
    return () => {
      element.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  // What is deleted is gone from here, too.
  useEffect(() => {
    if (!file) onClose();
  }, [file, onClose]);
  if (!file) return null;
  const go = (step: number) => {
    const next = pictures[index + step];
    if (next) onShow(next.file_id);
  };
  return (
    <dialog
      ref={dialog}
      class="viewer"
      aria-labelledby={id}
      tabIndex={-1}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <Shown key={file.file_id} {...{ id, file, index, go, onClose }} count={pictures.length} />
    </dialog>
  );
}

interface ShownProps {
  id: string;
  file: FileShown;
  index: number;
  count: number;
  go(step: number): void;
  onClose(): void;
}

function Shown({ id, file, index, count, go, onClose }: ShownProps) {
  const url = useFileUrl(file, false);
  const { frame, zoom, by, fit } = useZoom(go);
  // With the drawing: the next key may follow at once.
  useLayoutEffect(() => {
    const onKey = onKeys((event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const act = {
        ArrowLeft: () => go(-1),
        ArrowRight: () => go(1),
        '+': () => by(STEP),
        '=': () => by(STEP),
        '-': () => by(1 / STEP),
        '0': fit,
      }[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  });
  const { scale, x, y } = zoom;
  return (
    <>
      <header class="viewer-head">
        <h2 id={id}>
          <bdi>{file.name}</bdi>
          {count > 1 && (
            <small>
              {index + 1} of {count}
            </small>
          )}
        </h2>
        <button
          type="button"
          class="icon-button"
          aria-label="Smaller"
          title="Smaller (−)"
          aria-disabled={scale === 1}
          onClick={() => by(1 / STEP)}
        >
          <FileIcon name="less" />
        </button>
        <button
          type="button"
          class="icon-button"
          aria-label="Larger"
          title="Larger (+)"
          onClick={() => by(STEP)}
        >
          <Icon name="plus" />
        </button>
        {url && (
          <a class="icon-button" href={url} download={file.name} aria-label="Save" title="Save">
            <FileIcon name="save" />
          </a>
        )}
        <button
          type="button"
          class="icon-button"
          aria-label="Close"
          title="Close (Esc)"
          onClick={onClose}
        >
          <Icon name="close" />
        </button>
      </header>
      <div class={scale > 1 ? 'viewer-frame enlarged' : 'viewer-frame'} ref={frame}>
        <div
          class="viewer-picture"
          style={{ transform: `translate(${x}px, ${y}px) scale(${scale})` }}
        >
          <div
            class="viewer-fit"
            style={{ aspectRatio: `${file.width} / ${file.height}`, maxWidth: `${file.width}px` }}
          >
            <Picture file={file} thumb={false} />
          </div>
        </div>
      </div>
      {index > 0 && (
        <button
          type="button"
          class="icon-button viewer-step before"
          aria-label="Previous picture"
          title="Previous (←)"
          onClick={() => go(-1)}
        >
          <Icon name="back" />
        </button>
      )}
      {index < count - 1 && (
        <button
          type="button"
          class="icon-button viewer-step after"
          aria-label="Next picture"
          title="Next (→)"
          onClick={() => go(1)}
        >
          <Icon name="back" />
        </button>
      )}
      {file.alt && (
        <p class="viewer-alt" dir="auto">
          {file.alt}
        </p>
      )}
    </>
  );
}

interface Finger {
  x: number;
  y: number;
}

/** Follows the wheel and the fingers. A finger moves an enlarged picture, and swipes one that fits. */
function useZoom(go: (step: number) => void) {
  const frame = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState<Zoom>(FIT);
  const latest = useRef({ zoom, go });
  latest.current = { zoom, go };
  const set = (next: Zoom) => {
    latest.current.zoom = next;
    setZoom(next);
  };
  const size = () => {
    const { clientWidth: width = 0, clientHeight: height = 0 } = frame.current ?? {};
    return { width, height };
  };
  const by = (factor: number, x = 0, y = 0) =>
    set(zoomed(latest.current.zoom, factor, size(), x, y));
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const fingers = new Map<number, Finger>();
    let begun: Finger | null = null;
    const fromMiddle = ({ clientX, clientY }: MouseEvent): [number, number] => {
      const { left, top, width, height } = element.getBoundingClientRect();
      return [clientX - left - width / 2, clientY - top - height / 2];
    };
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      by(Math.exp(-event.deltaY / 300), ...fromMiddle(event));
    };
    const onDown = (event: PointerEvent) => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      begun = fingers.size === 1 ? { x: event.clientX, y: event.clientY } : null;
    };
    const onMove = (event: PointerEvent) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const now = { x: event.clientX, y: event.clientY };
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      fingers.set(event.pointerId, now);
      if (other) {
        const apart = (one: Finger) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
        by(apart(now) / apart(before), ...fromMiddle(event));
      } else if (latest.current.zoom.scale > 1)
        set(moved(latest.current.zoom, now.x - before.x, now.y - before.y, size()));
    };
    const onUp = (event: PointerEvent) => {
      const isSwipe = begun && event.type === 'pointerup' && latest.current.zoom.scale === 1;
      const across = begun ? event.clientX - begun.x : 0;
      const down = begun ? event.clientY - begun.y : 0;
      fingers.delete(event.pointerId);
      begun = null;
      if (isSwipe && Math.abs(across) > Math.max(SWIPE_PIXELS, Math.abs(down)))
        latest.current.go(across < 0 ? 1 : -1);
    };
    const onDouble = (event: MouseEvent) => {
      if (latest.current.zoom.scale > 1) set(FIT);
      else by(DOUBLE, ...fromMiddle(event));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    element.addEventListener('pointerdown', onDown);
    element.addEventListener('pointermove', onMove);
    element.addEventListener('pointerup', onUp);
    element.addEventListener('pointercancel', onUp);
    element.addEventListener('dblclick', onDouble);
    return () => {
      element.removeEventListener('wheel', onWheel);
      element.removeEventListener('pointerdown', onDown);
      element.removeEventListener('pointermove', onMove);
      element.removeEventListener('pointerup', onUp);
      element.removeEventListener('pointercancel', onUp);
      element.removeEventListener('dblclick', onDouble);
    };
  }, []);
  return { frame, zoom, by: (factor: number) => by(factor), fit: () => set(FIT) };
}
