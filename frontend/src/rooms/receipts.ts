import { type Signal, signal } from '@preact/signals';
import type { Member } from 'tailwire-client/wire/protocol';
import type { Author } from './names';

/** How far somebody has read a room. */
interface Receipt extends Author {
  epoch: string;
  read_seq: number;
}

/**
 * How far the others have read in each room, where the server tells it: it does so in small rooms. A
 * receipt never falls within an epoch.
 */
export class Receipts {
  readonly #me: string;
  readonly #byRoom = new Map<string, Signal<ReadonlyMap<string, Receipt>>>();

  constructor(user_id: string) {
    this.#me = user_id;
  }

  /** Those of the others who have read the message at this position. */
  seenBy(room_id: string, { epoch, seq }: { epoch: string; seq: number }): Author[] {
    return [...this.#signal(room_id).value.values()].filter(
      (receipt) => receipt.epoch === epoch && receipt.read_seq >= seq,
    );
  }

  told(room_id: string, { user_id, username, epoch, read_seq }: Receipt): void {
    this.#raise(room_id, [{ user_id, username, epoch, read_seq }]);
  }

  /** The members of a room as they were listed under this epoch. */
  listed(room_id: string, epoch: string, members: readonly Member[]): void {
    const told = members.filter((member) => member.read_seq != null);
    this.#raise(
      room_id,
      told.map(({ user_id, username, read_seq }) => ({
        ...{ user_id, username, epoch },
        read_seq: read_seq ?? 0,
      })),
    );
  }

  /** Somebody is no longer a member of the room. */
  left(room_id: string, user_id: string): void {
    const receipts = new Map(this.#signal(room_id).peek());
    if (receipts.delete(user_id)) this.#signal(room_id).value = receipts;
  }

  #raise(room_id: string, told: readonly Receipt[]): void {
    const room = this.#signal(room_id);
    const receipts = new Map(room.peek());
    for (const receipt of told) {
      const before = receipts.get(receipt.user_id);
      const falls = before?.epoch === receipt.epoch && before.read_seq >= receipt.read_seq;
      if (receipt.user_id !== this.#me && !falls) receipts.set(receipt.user_id, receipt);
    }
    room.value = receipts;
  }

  #signal(room_id: string): Signal<ReadonlyMap<string, Receipt>> {
    const known = this.#byRoom.get(room_id);
    if (known) return known;
    const fresh = signal<ReadonlyMap<string, Receipt>>(new Map());
    this.#byRoom.set(room_id, fresh);
    return fresh;
  }
}
