import type { ReadChannel } from '../../src/rooms/read_mark';
import { MemoryStorage } from '../make';

/** The channels of the tabs of one browser. A message reaches all open ones but the sender's. */
export class ReadChannels {
  readonly #open = new Set<ReadChannel>();
  /** The storage of the browser. */
  readonly storage = new MemoryStorage();

  open(): ReadChannel {
    const channel: ReadChannel = {
      onmessage: null,
      postMessage: (data) => {
        const message = { data: structuredClone(data) } as MessageEvent;
        for (const other of this.#open)
          if (other !== channel) other.onmessage?.call(other as BroadcastChannel, message);
      },
      close: () => {
        this.#open.delete(channel);
      },
    };
    this.#open.add(channel);
    return channel;
  }
}
