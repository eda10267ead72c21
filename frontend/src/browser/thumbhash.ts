/** ThumbHash: the placeholder of a picture in some bytes, described at https://evanw.github.io/thumbhash/. Pure. */

const SIDE = 32;

export interface Pixels {
  width: number;
  height: number;
  /** Four bytes for each pixel. */
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** The small picture that a hash in base64 stands for, of 32 pixels at most; null where it is no hash. */
export function pixelsOf(hash: string): Pixels | null {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(hash), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes;
  const first = a | (b << 8) | (c << 16);
  const second = d | (e << 8);
  const hasAlpha = first >> 23 === 1;
  const isWide = second >> 15 === 1;
  const most = hasAlpha ? 5 : 7;
  const across = Math.max(3, isWide ? most : second & 7);
  const down = Math.max(3, isWide ? second & 7 : most);
  let at = (hasAlpha ? 6 : 5) * 2;
  const nibble = () => ((bytes[at >> 1] ?? 0) >> ((at++ & 1) << 2)) & 15;
  const factors = (across: number, down: number, scale: number): number[] =>
    waves(across, down).map(() => (nibble() / 7.5 - 1) * scale);
  if (bytes.length < (hasAlpha ? 6 : 5)) return null;
  const light = factors(across, down, ((first >> 18) & 31) / 31);
  const yellow = factors(3, 3, (((second >> 3) & 63) / 63) * 1.25);
  const red = factors(3, 3, (((second >> 9) & 63) / 63) * 1.25);
  const opacity = hasAlpha ? factors(5, 5, (f >> 4) / 15) : [];
  const ratio = (isWide ? most : second & 7) / (isWide ? second & 7 : most) || 1;
  const width = Math.max(1, Math.round(ratio > 1 ? SIDE : SIDE * ratio));
  const height = Math.max(1, Math.round(ratio > 1 ? SIDE / ratio : SIDE));
  const rgba = new Uint8ClampedArray(width * height * 4);
  const sum = (list: readonly number[], across: number, down: number, x: number, y: number) => {
    const u = (Math.PI / width) * (x + 0.5);
    const v = (Math.PI / height) * (y + 0.5);
    return waves(across, down).reduce(
      (sum, [i, j], n) => sum + 2 * (list[n] ?? 0) * Math.cos(u * i) * Math.cos(v * j),
      0,
    );
  };
  for (let y = 0, n = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const l = (first & 63) / 63 + sum(light, across, down, x, y);
      const p = ((first >> 6) & 63) / 31.5 - 1 + sum(yellow, 3, 3, x, y);
      const q = ((first >> 12) & 63) / 31.5 - 1 + sum(red, 3, 3, x, y);
      const o = hasAlpha ? (f & 15) / 15 + sum(opacity, 5, 5, x, y) : 1;
      const blue = l - (2 / 3) * p;
      const r = (3 * l - blue + q) / 2;
      for (const value of [r, r - q, blue, o]) rgba[n++] = 255 * value;
    }
  return { width, height, rgba };
}

/** The frequencies that a channel has, but for its mean, in their order. */
function waves(across: number, down: number): [number, number][] {
  const list: [number, number][] = [];
  for (let y = 0; y < down; y++)
    for (let x = y ? 0 : 1; x * down < across * (down - y); x++) list.push([x, y]);
  return list;
}
