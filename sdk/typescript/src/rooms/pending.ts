/** The commands of the user that wait for what comes of them. Pure. */
import type { ChangeCommand, EntryCommand, SendCommand } from '../wire/commands.ts';

/** waiting: not sent yet. sent: no answer yet. stored: acked, but its entry has not come yet. */
export type PendingState = 'waiting' | 'sent' | 'stored' | 'failed';

/** A command that the user gave, until the log shows what came of it. */
export interface Pending {
  command: EntryCommand;
  /** When the user gave the command. */
  at: string;
  state: PendingState;
  /** The seq from the ack; null before it. */
  seq: number | null;
  /** The epoch of `seq`, and of the message that the command answers or changes. Missing where not known. */
  epoch?: string;
  error: string | null;
  attempts: number;
}

export type PendingMessage = Pending & { command: SendCommand };
export type PendingChange = Pending & { command: ChangeCommand };

/** A change that was given up, because it can never be carried out. The user is told. */
export interface Dropped {
  command: ChangeCommand;
  error: string;
}

export function isMessage(pending: Pending): pending is PendingMessage {
  return pending.command.type === 'send';
}

export function isChange(pending: Pending): pending is PendingChange {
  return pending.command.type !== 'send';
}

type Without<C, N extends PropertyKey> = C extends unknown ? Omit<C, N> : never;

/** A command as the user gives it. The outbox adds the ref, unless it has one already. */
export type Given = Without<EntryCommand, 'ref'> & { ref?: string };

/** A change without the message that it changes. */
export type WhatToChange = Without<ChangeCommand, 'ref' | 'room_id' | 'epoch' | 'seq'>;
