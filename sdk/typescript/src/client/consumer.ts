import type { Clock } from '../clock.ts';
import { Problem } from '../wire/problem.ts';
import type { Message } from '../wire/protocol.ts';
import type { Requests } from '../wire/requests.ts';
import { patiently, pause } from './patience.ts';

const WAIT_SECONDS = 15;
const REF_CHARACTERS = 64;

/** An entry as a consumer gives it, or what is told between entries: `reset`, `membership`. */
export interface Consumed {
  type: string;
  room_id: string;
  epoch: string;
  seq: number;
  username?: string;
  is_bot?: boolean;
  body?: string;
  [field: string]: unknown;
}

interface ConsumedPage {
  items: Consumed[];
  token: string | null;
}

/**
 * Reads with a position that the server keeps: everything in order, after any absence. An entry counts as handled when
 * the next one is asked for; what was not handled comes again.
 */
export class Consumer {
  readonly name: string;
  readonly #requests: Requests;
  readonly #clock: Clock;
  readonly #path: string;

  constructor(requests: Requests, clock: Clock, name: string) {
    this.name = name;
    this.#requests = requests;
    this.#clock = clock;
    this.#path = `consumers/${encodeURIComponent(name)}`;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Consumed> {
    await this.#ask('PUT', '', { body: {} });
    for (let refused = 0; ; ) {
      const page = await this.#ask<ConsumedPage>('GET', '/entries', {
        query: { wait: WAIT_SECONDS },
      });
      yield* page.items;
      if (page.token === null) continue;
      try {
        await this.#ask('POST', '/ack', { body: { token: page.token } });
        refused = 0;
      } catch (error) {
        // The server was restored: it gives the page again.
        if (!(error instanceof Problem) || error.code !== 'bad_cursor') throw error;
        await pause(this.#clock, Math.min(30_000, 500 * 2 ** refused++));
      }
    }
  }

  /** Sends a message to the room of an entry: once, however often the entry comes. */
  answer(entry: Consumed, body: string): Promise<Message> {
    const ref = this.refOf(entry);
    const path = `rooms/${encodeURIComponent(entry.room_id)}/messages`;
    const send = () => this.#requests.send<Message>('POST', path, { body: { ref, body } });
    return patiently(this.#clock, send, { forEver: true });
  }

  /** The ref of the answer to an entry. Fails where the name of the consumer is too long for one. */
  refOf({ room_id, seq }: Consumed): string {
    const ref = `${this.name}:${room_id}:${seq}`;
    if (ref.length > REF_CHARACTERS) throw new RangeError('the name of the consumer is too long');
    return ref;
  }

  #ask<T>(method: string, rest: string, options: object): Promise<T> {
    const ask = () => this.#requests.send<T>(method, `${this.#path}${rest}`, options);
    return patiently(this.#clock, ask, { forEver: true });
  }
}
