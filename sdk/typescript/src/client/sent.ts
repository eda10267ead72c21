/** A message that is stored. */
export interface Sent {
  room_id: string;
  epoch: string;
  seq: number;
}

export interface SendOptions {
  /** The seq of the message that it answers, and the epoch of that seq. */
  reply_to?: number;
  epoch?: string;
}

/** The server refuses a message for good, or has not answered for long. `code` is its error code, or `timeout`. */
export class NotSent extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`the message was not sent: ${code}`);
    this.code = code;
  }
}
