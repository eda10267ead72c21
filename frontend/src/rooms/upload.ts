/** Files on their way, and the messages that wait for them. */
import type { FileShown } from 'tailwire-client/wire/files';

/** waiting: for its turn or a connection. whole: the server has all of it. */
export type UploadState = 'waiting' | 'going' | 'whole' | 'failed';

/** The codes of what is wrong with a file itself. */
export const OF_THE_FILE: ReadonlySet<string> = new Set(['bad_file', 'too_large', 'invalid']);

/** A file on its way to the server, until the message that has it is sent. */
export interface Upload {
  id: string;
  room_id: string;
  /** The draft it belongs to, until its message is sent. */
  draft: string;
  /** The ref of the message that waits for it; null while that is a draft. */
  ref: string | null;
  /** When it was chosen, in milliseconds since 1970. Files of one choice differ in it. */
  at: number;
  name: string;
  type: string;
  size: number;
  alt: string;
  /** The alt text that the server knows. */
  told_alt: string;
  file_id: string | null;
  /** The bytes that the server has. */
  offset: number;
  state: UploadState;
  error: string | null;
  /** Whether it failed for what is in it, so that trying again leads nowhere. */
  refused?: boolean;
  /** What the server says of it, once it is whole. */
  shown: FileShown | null;
}

/** A message that waits for its files. */
export interface Parcel {
  ref: string;
  room_id: string;
  body: string;
  reply_to: number | null;
  /** The ids of its uploads. It does not go before all of them are there, or were taken away. */
  uploads: readonly string[];
}
