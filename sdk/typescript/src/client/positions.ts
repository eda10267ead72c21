import type { Clock } from '../clock.ts';
import type { Position } from '../wire/protocol.ts';
import { Kept, type Store } from './store.ts';

const KEEP_MILLISECONDS = 1_000;

/** Up to where each room was shown. The first is kept at once, later ones once a second at most, and at the end. */
export class Positions {
  readonly #clock: Clock;
  readonly #kept: Kept<Record<string, Position>>;
  readonly #positions = new Map<string, Position>();
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, store: Store) {
    this.#clock = clock;
    this.#kept = new Kept(store, 'positions');
  }

  async load(): Promise<void> {
    for (const [room_id, position] of Object.entries((await this.#kept.read()) ?? {}))
      this.#positions.set(room_id, position);
  }

  get(room_id: string): Position | undefined {
    return this.#positions.get(room_id);
  }

  set(room_id: string, position: Position): void {
    // Of a room without a kept position a killed program would begin with what is new.
    const isFirst = !this.#positions.has(room_id);
    this.#positions.set(room_id, position);
    const keep = () => void this.keep().catch(() => {});
    if (isFirst) keep();
    else this.#cancel ??= this.#clock.after(KEEP_MILLISECONDS, keep);
  }

  /** Keeps the positions now. */
  keep(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    return this.#kept.write(Object.fromEntries(this.#positions));
  }
}
