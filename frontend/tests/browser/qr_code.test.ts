import decode from 'qr/decode.js';
import { describe, expect, test } from 'vitest';
import { type QrCode, qrCode } from '../../src/browser/qr_code';

const MODULE_PIXELS = 4;

/** The picture of a code as a camera sees it: dark modules on a light ground. */
function pictureOf({ size, path }: QrCode) {
  const width = size * MODULE_PIXELS;
  const data = new Uint8ClampedArray(4 * width * width).fill(255);
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g))
    for (let column = 0; column < Number(length) * MODULE_PIXELS; column++)
      for (let line = 0; line < MODULE_PIXELS; line++) {
        const left = Number(x) * MODULE_PIXELS + column;
        const top = Number(y) * MODULE_PIXELS + line;
        data.fill(0, 4 * (top * width + left), 4 * (top * width + left) + 3);
      }
  return { data, width, height: width };
}

describe('a QR code', () => {
  test.each([
    'https://chat.example/#/invite/a-B_9',
    `https://chat.example:8443/deep/path/#/invite/${'x'.repeat(43)}`,
    'http://[::1]:8000/#/invite/ü',
  ])('of %s is read as that', (text) => {
    const code = qrCode(text);
    expect(code && decode(pictureOf(code))).toBe(text);
  });

  test('of more than any code holds is none', () => {
    expect(qrCode('x'.repeat(5_000))).toBeNull();
  });
});
