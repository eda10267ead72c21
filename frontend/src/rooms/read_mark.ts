import type { Position } from 'tailwire-client/wire/protocol';

/** Up to where the user has read. With `back` the user wants to read again what follows. */
export interface ReadMark extends Position {
  back?: true;
}

/** What the tabs of a browser tell each other. */
export type ReadChannel = Pick<BroadcastChannel, 'postMessage' | 'onmessage' | 'close'>;

export function markOf({ epoch, seq, back }: ReadMark): ReadMark {
  return back ? { epoch, seq, back } : { epoch, seq };
}

/** Another tab may run another version of this page. */
export function isReadMark(data: unknown): data is { room_id: string } & ReadMark {
  const { room_id, epoch, seq } = (data ?? {}) as Record<string, unknown>;
  return typeof room_id === 'string' && typeof epoch === 'string' && Number.isSafeInteger(seq);
}
