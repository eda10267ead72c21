/** What the page sends over the socket, by the types that are made from the server's code. */
import type * as socket from './generated/socket.ts';

/** A command with these fields, which the page always gives. */
type Given<C, Always extends keyof C> = Omit<C, Always> & { [N in Always]-?: NonNullable<C[N]> };

/** Older servers refuse its `epoch`, which is that of the message that it answers. */
export type SendCommand = Omit<socket.SendCommand, 'reply_to' | 'epoch'> & {
  reply_to?: number;
  epoch?: string;
};

/** The commands that change an earlier message. After a restore its seq may be that of another message. */
export type ChangeCommand =
  | Given<socket.EditCommand, 'epoch'>
  | Given<socket.DeleteCommand, 'epoch'>
  | Given<socket.ReactCommand, 'epoch'>
  | Given<socket.UnreactCommand, 'epoch'>
  | Given<socket.PinCommand, 'epoch'>
  | Given<socket.UnpinCommand, 'epoch'>
  | Given<socket.RemovePreviewsCommand, 'epoch'>;

/** The commands that write an entry. Each has a ref, so that a retry writes nothing twice. */
export type EntryCommand = SendCommand | ChangeCommand;

export type Command =
  | socket.AuthenticateCommand
  | Given<socket.SubscribeCommand, 'ref' | 'since'>
  | socket.UnsubscribeCommand
  | EntryCommand
  | Given<socket.TypingCommand, 'ref'>
  | socket.WatchCommand
  | socket.PingCommand;
