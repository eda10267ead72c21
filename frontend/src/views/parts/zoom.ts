/** How a picture is enlarged and moved within its frame. Pure. */

export interface Zoom {
  /** 1 where the picture fits the frame. */
  scale: number;
  /** How far its middle is from that of the frame, in CSS pixels. */
  x: number;
  y: number;
}

export const FIT: Zoom = { scale: 1, x: 0, y: 0 };
export const MOST_SCALE = 8;

interface Size {
  width: number;
  height: number;
}

/**
 * Enlarges by `factor`, and keeps the point that is at (x, y) from the middle of the frame where it is. The picture never
 * leaves the frame.
 */
export function zoomed(zoom: Zoom, factor: number, frame: Size, x = 0, y = 0): Zoom {
  const scale = Math.min(MOST_SCALE, Math.max(1, zoom.scale * factor));
  const ratio = scale / zoom.scale;
  return kept({ scale, x: x - (x - zoom.x) * ratio, y: y - (y - zoom.y) * ratio }, frame);
}

export function moved(zoom: Zoom, x: number, y: number, frame: Size): Zoom {
  return kept({ ...zoom, x: zoom.x + x, y: zoom.y + y }, frame);
}

function kept({ scale, x, y }: Zoom, { width, height }: Size): Zoom {
  const across = (width * (scale - 1)) / 2;
  const down = (height * (scale - 1)) / 2;
  const within = (value: number, most: number) => Math.min(most, Math.max(-most, value)) || 0;
  return { scale, x: within(x, across), y: within(y, down) };
}
