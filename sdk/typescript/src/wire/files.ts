/** Files as docs/protocol.md has them. */

/** A file of a message. */
export interface FileShown {
  file_id: string;
  name: string;
  /** Found by the server in the content. */
  type: string;
  /** In bytes. */
  size: number;
  /** Null where it is no picture. */
  width: number | null;
  height: number | null;
  has_thumb: boolean;
  /** The placeholder of a picture: a ThumbHash in base64. */
  blur: string | null;
  /** What a picture shows, for who does not see it. */
  alt?: string | null;
}

/** A file of its uploader that is in no message yet. */
export interface UploadedFile extends FileShown {
  /** How many bytes have arrived. */
  offset: number;
  /** All have, and it may be sent. */
  whole: boolean;
}

/** A file in the list of a room's files. */
export interface ListedFile extends FileShown {
  seq: number;
  user_id: string;
  at: string;
}

/** An address at which a file is read for some minutes, without a token. */
export interface FileAddress {
  file_id: string;
  url: string;
  expires_at: string;
}

export function isPicture({ width, height, has_thumb }: FileShown): boolean {
  return has_thumb && Boolean(width && height);
}
