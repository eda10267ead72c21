import type { OutboxStore } from '../rooms/outbox.ts';
import type { Pending } from '../rooms/pending.ts';
import { Kept, type Store } from './store.ts';

/** Keeps the commands of one program that have no ack yet, for its next run. */
export class KeptOutbox implements OutboxStore {
  readonly #kept: Kept<Pending[]>;
  readonly #pending = new Map<string, Pending>();

  constructor(store: Store) {
    this.#kept = new Kept(store, 'outbox');
  }

  async own(): Promise<Pending[]> {
    const kept = (await this.#kept.read()) ?? [];
    const found = kept.filter(({ command: { ref } }) => !this.#pending.has(ref));
    for (const item of found) this.#pending.set(item.command.ref, item);
    return found.map((item) => (item.state === 'sent' ? { ...item, state: 'waiting' } : item));
  }

  async adopt(): Promise<Pending[]> {
    return [];
  }

  put(_user_id: string, pending: Pending): void {
    this.#pending.set(pending.command.ref, pending);
    this.#write();
  }

  delete(ref: string): void {
    if (this.#pending.delete(ref)) this.#write();
  }

  forget(): void {
    this.#pending.clear();
    this.#write();
  }

  /** A store that fails keeps nothing, and the commands are sent all the same. */
  #write(): void {
    this.#kept.write([...this.#pending.values()]).catch(() => {});
  }
}
