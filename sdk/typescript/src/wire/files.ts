/** Files as docs/protocol.md has them. */
import type * as http from './generated/http.ts';

/** A file of a message. Only pictures have a width, a height, a thumbnail and `blur`, a ThumbHash in base64. */
export type FileShown = Omit<http.SentFileOut, 'alt'> & {
  /** What a picture shows, for who does not see it. */
  alt?: string | null;
};

/** What the page behind a link in a message says of itself. `url` is the link as it stands in the text. */
export type LinkPreview = Omit<http.LinkPreviewOut, 'picture'> & { picture: FileShown | null };

/** A file of its uploader that is in no message yet. It may be sent when it is whole. */
export type UploadedFile = FileShown & Pick<http.FileOut, 'offset' | 'whole'>;

/** A file in the list of a room's files. */
export type ListedFile = FileShown & Pick<http.RoomFileOut, 'seq' | 'user_id' | 'at'>;

/** An address at which a file is read for some minutes, without a token. */
export type FileAddress = http.FileUrlOut;

export function isPicture({ width, height, has_thumb }: FileShown): boolean {
  return has_thumb && Boolean(width && height);
}
