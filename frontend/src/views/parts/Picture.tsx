import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { FileShown } from 'tailwire-client/wire/files';
import { pixelsOf } from '../../browser/thumbhash';
import { useSession } from './context';

/** The address of a file or of its thumbnail, valid while the view is there; null while it is not known. */
export function useFileUrl({ file_id }: { file_id: string }, thumb: boolean): string | null {
  const urls = useSession().files.value?.urls;
  useEffect(() => urls?.hold(file_id, thumb), [urls, file_id, thumb]);
  return urls?.of(file_id, thumb).value ?? null;
}

/**
 * A picture in the space that its parent gives it. Until it is loaded its placeholder is shown. What is loaded keeps its
 * address, because another one would load it again.
 */
export function Picture({ file, thumb }: { file: FileShown; thumb: boolean }) {
  const url = useFileUrl(file, thumb);
  const [shown, setShown] = useState<string | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const src = shown ?? url;
  return (
    <>
      {shown === null && file.blur && <Blur hash={file.blur} />}
      {src !== null && src !== failed && (
        <img
          src={src}
          alt={file.alt || `Picture ${file.name}`}
          decoding="async"
          draggable={false}
          class={shown === null ? 'arriving' : undefined}
          onLoad={({ currentTarget }) => {
            // A large one is drawn some time after it is loaded. Its placeholder stays until then.
            const show = () => setShown(src);
            currentTarget.decode().then(show, show);
          }}
          onError={() => {
            setShown(null);
            setFailed(src);
          }}
        />
      )}
    </>
  );
}

/** Drawn, and not loaded from an address, as the policy of the page allows no address within the page. */
function Blur({ hash }: { hash: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const pixels = pixelsOf(hash);
    const element = canvas.current;
    if (!element || !pixels) return;
    const { width, height, rgba } = pixels;
    element.width = width;
    element.height = height;
    element.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
  }, [hash]);
  return <canvas class="blur" ref={canvas} />;
}
