/** Pictures in HEIC, as telephones keep them. The server refuses them, as they say where they were taken. */

const TYPE = /^image\/hei[cf]/;
const EXTENSION = /\.hei[cf]$/i;
const QUALITY = 0.92;

/** Makes JPEG of a HEIC picture where this browser can show one. What is drawn anew says nothing of a place. */
export async function withoutHeic(file: File): Promise<File> {
  if (!TYPE.test(file.type) && !EXTENSION.test(file.name)) return file;
  try {
    const picture = await createImageBitmap(file);
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext('2d')?.drawImage(picture, 0, 0);
    picture.close();
    const type = 'image/jpeg';
    const bytes = await canvas.convertToBlob({ type, quality: QUALITY });
    return new File([bytes], `${file.name.replace(EXTENSION, '')}.jpg`, { type });
  } catch {
    return file; // Then the server says why it is refused.
  }
}
