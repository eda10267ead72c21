import { batch } from '@preact/signals';
import { pausedWebhooks } from 'tailwire-client/wire/api/webhooks';
import type { Requests } from 'tailwire-client/wire/requests';
import type { TextStorage } from '../browser/storage';
import type { News } from './news';
import type { Rooms } from './rooms';

interface PausedWebhooksOptions {
  user_id: string;
  requests: Requests;
  rooms: Rooms;
  news: News;
  storage: TextStorage;
}

/** Tells the user which of their webhooks the server has paused while they were away, until they have seen it. */
export class PausedWebhooks {
  readonly #options: PausedWebhooksOptions;
  readonly #key: string;

  constructor(options: PausedWebhooksOptions) {
    this.#options = options;
    this.#key = `tailwire.paused.${options.user_id}`;
    options.news.onSeen = ({ webhook_id }) => {
      if (webhook_id) this.#keep([...this.#seen(), webhook_id]);
    };
  }

  /** Asks the server, where the user may have webhooks. What fails is asked for again with the next connection. */
  async ask(): Promise<void> {
    const { news, requests, rooms } = this.#options;
    if (!rooms.sorted.peek().some(({ kind, role }) => role === 'owner' && kind !== 'direct'))
      return;
    const paused = await pausedWebhooks(requests).catch(() => null);
    if (!paused) return;
    const ids = paused.map(({ webhook_id }) => webhook_id);
    // One that was paused, went on and is paused again is told of again.
    const seen = this.#seen().filter((id) => ids.includes(id));
    this.#keep(seen);
    batch(() => {
      for (const { room_id, webhook_id } of paused) {
        const room = rooms.get(room_id);
        const isTold = seen.includes(webhook_id) || news.of(room_id)?.webhook_id === webhook_id;
        if (room && !isTold) news.webhookPaused(room, webhook_id);
      }
    });
  }

  forget(): void {
    this.#options.storage.removeItem(this.#key);
  }

  #seen(): string[] {
    return this.#options.storage.getItem(this.#key)?.split(' ') ?? [];
  }

  #keep(ids: readonly string[]): void {
    if (ids.length > 0) this.#options.storage.setItem(this.#key, ids.join(' '));
    else this.forget();
  }
}
