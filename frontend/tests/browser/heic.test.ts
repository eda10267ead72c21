import { afterEach, expect, test, vi } from 'vitest';
import { withoutHeic } from '../../src/browser/heic';

const DRAWN = new Blob(['drawn anew'], { type: 'image/jpeg' });

function browserThatShowsHeic() {
  vi.stubGlobal('createImageBitmap', async () => ({ width: 4, height: 3, close() {} }));
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      getContext = () => ({ drawImage() {} });
      convertToBlob = async () => DRAWN;
    },
  );
}

afterEach(() => vi.unstubAllGlobals());

test.each([
  ['IMG_1.HEIC', '', 'IMG_1.jpg'],
  ['a.heif', 'image/heif', 'a.jpg'],
  ['photo', 'image/heic', 'photo.jpg'],
])('%s becomes JPEG where the browser can show it', async (name, type, expected) => {
  browserThatShowsHeic();
  const made = await withoutHeic(new File(['with a place'], name, { type }));
  expect([made.name, made.type, await made.text()]).toEqual([expected, 'image/jpeg', 'drawn anew']);
});

test('it stays as it is where the browser cannot show it', async () => {
  const file = new File(['with a place'], 'a.heic', { type: 'image/heic' });
  expect(await withoutHeic(file)).toBe(file);
});

test('other files are not touched', async () => {
  browserThatShowsHeic();
  const file = new File(['words'], 'a.heic.txt', { type: 'text/plain' });
  expect(await withoutHeic(file)).toBe(file);
});
