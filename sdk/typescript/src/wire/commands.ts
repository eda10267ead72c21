/** What the page sends over the socket, as in docs/protocol.md. */
import type { Position } from './protocol.ts';

export interface SendCommand {
  type: 'send';
  room_id: string;
  ref: string;
  body: string;
  reply_to?: number;
  /** The ids of its files, which were uploaded before. */
  files?: readonly string[];
  /** That of the message which it answers. Older servers refuse it. */
  epoch?: string;
}

/** The message that a command changes. After a restore its seq may be that of another message. */
interface Target {
  room_id: string;
  epoch: string;
  seq: number;
  ref: string;
}

/** The commands that change an earlier message. */
export type ChangeCommand =
  | ({ type: 'edit'; body: string } & Target)
  | ({ type: 'delete' } & Target)
  | ({ type: 'react' | 'unreact'; emoji: string } & Target)
  | ({ type: 'pin' | 'unpin' } & Target);

/** The commands that write an entry. Each has a ref, so that a retry writes nothing twice. */
export type EntryCommand = SendCommand | ChangeCommand;

export type Command =
  | { type: 'authenticate'; token: string }
  | { type: 'subscribe'; room_id: string; ref: string; since: Position }
  | { type: 'unsubscribe'; room_id: string }
  | EntryCommand
  | { type: 'typing'; room_id: string; ref: string }
  | { type: 'watch'; user_ids: readonly string[] }
  | { type: 'ping' };
