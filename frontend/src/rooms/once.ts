import type { Position } from 'tailwire-client/wire/protocol';
import type { TextStorage } from '../browser/storage';
import type { Turn } from '../browser/turn';

// The rooms that were not claimed for longest are forgotten.
const MOST_ROOMS = 200;

type Claims = [room_id: string, epoch: string, seq: number][];

/** Lets one tab of a browser do something for each message of a room, although all of them learn of it. */
export class Once {
  readonly #storage: TextStorage;
  readonly #turn: Turn;
  readonly #key: string;

  constructor(storage: TextStorage, turn: Turn, user_id: string) {
    this.#storage = storage;
    this.#turn = turn;
    this.#key = `tailwire.noticed.${user_id}`;
  }

  /** False where it was claimed before for this message, or for a later one of the room. */
  claim(room_id: string, { epoch, seq }: Position): Promise<boolean> {
    return this.#turn.take(async () => {
      const claims = this.#stored();
      const before = claims.find(([id]) => id === room_id);
      if (before && before[1] === epoch && before[2] >= seq) return false;
      const others = claims.filter(([id]) => id !== room_id);
      const now: Claims = [...others, [room_id, epoch, seq]];
      this.#storage.setItem(this.#key, JSON.stringify(now.slice(-MOST_ROOMS)));
      return true;
    });
  }

  forget(): void {
    this.#storage.removeItem(this.#key);
  }

  #stored(): Claims {
    try {
      const stored: unknown = JSON.parse(this.#storage.getItem(this.#key) ?? '[]');
      return Array.isArray(stored) ? (stored as Claims).filter(Array.isArray) : [];
    } catch {
      return [];
    }
  }
}
