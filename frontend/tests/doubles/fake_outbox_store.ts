import type { OutboxStore } from 'tailwire-client/rooms/outbox';
import type { Pending } from 'tailwire-client/rooms/pending';

/** What a browser stores for one tab. `left` holds the commands of closed tabs. */
export class FakeOutboxStore implements OutboxStore {
  kept = new Map<string, Pending>();
  left: Pending[] = [];

  async own(): Promise<Pending[]> {
    return [...this.kept.values()];
  }

  async adopt(): Promise<Pending[]> {
    const adopted = this.left;
    this.left = [];
    for (const pending of adopted) this.put('', pending);
    return adopted;
  }

  put(_: string, pending: Pending): void {
    this.kept.set(pending.command.ref, pending);
  }

  delete(ref: string): void {
    this.kept.delete(ref);
  }

  forget(): void {
    this.kept.clear();
  }
}
