import encode from 'qr';

// Light around the code, in modules. The standard asks for so much.
const QUIET_ZONE = 4;

/** The dark modules of a QR code as the path of an SVG. A module is one unit wide. */
export interface QrCode {
  /** How many modules are in a row, with the light ones around the code. */
  size: number;
  path: string;
}

/** The QR code of a text; null where no code holds so much. */
export function qrCode(text: string): QrCode | null {
  try {
    const rows = encode(text, 'raw', { ecc: 'medium', border: QUIET_ZONE });
    return { size: rows.length, path: rows.map(pathOf).join('') };
  } catch {
    return null;
  }
}

/** One rectangle for each run of dark modules. */
function pathOf(row: readonly boolean[], y: number): string {
  let path = '';
  for (let from = 0; from < row.length; from++) {
    if (!row[from]) continue;
    let to = from;
    while (row[to]) to++;
    path += `M${from} ${y}h${to - from}v1h${from - to}z`;
    from = to;
  }
  return path;
}
