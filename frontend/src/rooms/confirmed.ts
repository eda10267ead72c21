/**
 * How far the server has the user's read positions, as far as this page knows. The server lowers none by itself. So a
 * lower one tells that the user went back on another device, unless it is told late: the server is asked which it is.
 */
export class Confirmed {
  readonly #seqs = new Map<string, number>();
  /** The rooms of which the server is asked. */
  readonly #doubted = new Set<string>();

  isDoubted(room_id: string): boolean {
    return this.#doubted.has(room_id);
  }

  /** The user has decided here how far they have read. */
  decided(room_id: string): void {
    this.#doubted.delete(room_id);
  }

  /** The server has taken this position. */
  reported(room_id: string, seq: number, isBack: boolean): void {
    this.#seqs.set(room_id, isBack ? seq : Math.max(seq, this.#seqs.get(room_id) ?? 0));
  }

  /** An event tells a position. Returns whether it is less than what was confirmed. */
  heard(room_id: string, seq: number): boolean {
    const isLess = seq < (this.#seqs.get(room_id) ?? 0);
    if (isLess) this.#doubted.add(room_id);
    else this.#seqs.set(room_id, seq);
    return isLess;
  }

  /** The server has answered how far the user has read. Returns whether the user went back elsewhere. */
  told(room_id: string, seq: number): boolean {
    const isLess = seq < (this.#seqs.get(room_id) ?? 0);
    this.#doubted.delete(room_id);
    this.#seqs.set(room_id, seq);
    return isLess;
  }

  reset(room_id: string): void {
    this.#doubted.delete(room_id);
    this.#seqs.delete(room_id);
  }
}
