import type { Page } from '../protocol.ts';
import type { Requests } from '../requests.ts';
import type {
  Delivery,
  MadeWebhook,
  RenewedSecret,
  Replay,
  WantedReplay,
  Webhook,
  WebhookChange,
} from '../webhooks.ts';
import { roomPath } from './rooms.ts';

/** The webhooks that the user has made and the server has paused, in rooms that the user owns. */
export async function pausedWebhooks(requests: Requests): Promise<Webhook[]> {
  return (await requests.get<{ items: Webhook[] }>('users/me/webhooks/paused', {})).items;
}

/** The outgoing webhooks of one room. */
export class WebhooksApi {
  readonly #requests: Requests;
  readonly #path: string;

  constructor(requests: Requests, room_id: string) {
    this.#requests = requests;
    this.#path = `${roomPath(room_id)}/webhooks`;
  }

  make(url: string, kinds: readonly string[] | null): Promise<MadeWebhook> {
    return this.#requests.send('POST', this.#path, { body: { url, kinds } });
  }

  /** All of them, the oldest first. */
  async list(): Promise<Page<Webhook>> {
    const { items } = await this.#requests.get<{ items: Webhook[] }>(this.#path, {});
    return { items, next_cursor: null };
  }

  change(id: string, change: WebhookChange): Promise<Webhook> {
    return this.#requests.send('PATCH', this.#of(id), { body: change });
  }

  renewSecret(id: string): Promise<RenewedSecret> {
    return this.#requests.send('POST', `${this.#of(id)}/secret`);
  }

  end(id: string): Promise<void> {
    return this.#requests.send('DELETE', this.#of(id));
  }

  /** The newest first: attempts, or the entries that the receiver did not take. */
  deliveries(id: string, dead: boolean, cursor?: string): Promise<Page<Delivery>> {
    const query = { dead: String(dead), cursor, limit: 20 };
    return this.#requests.get(`${this.#of(id)}/deliveries`, query);
  }

  /** Lets entries be sent once more. */
  replay(id: string, wanted: WantedReplay): Promise<Replay> {
    return this.#requests.send('POST', `${this.#of(id)}/replay`, { body: wanted });
  }

  #of(id: string): string {
    return `${this.#path}/${encodeURIComponent(id)}`;
  }
}
