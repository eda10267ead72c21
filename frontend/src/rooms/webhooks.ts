import { WebhooksApi } from 'tailwire-client/wire/api/webhooks';
import type { Requests } from 'tailwire-client/wire/requests';
import type {
  Delivery,
  MadeWebhook,
  RenewedSecret,
  Replay,
  WantedReplay,
  Webhook,
  WebhookChange,
} from 'tailwire-client/wire/webhooks';
import { mediumTime } from '../browser/time';
import { PagedList } from '../wire/paged_list';

/** The outgoing webhooks of one room. */
export class Webhooks extends PagedList<Webhook> {
  readonly #api: WebhooksApi;

  constructor(requests: Requests, room_id: string) {
    const api = new WebhooksApi(requests, room_id);
    super(() => api.list());
    this.#api = api;
  }

  /** Makes a webhook for these kinds of entries, or with null for all. The server tells its secret only now. */
  async make(url: string, kinds: readonly string[] | null): Promise<MadeWebhook> {
    const webhook = await this.#api.make(url, kinds);
    void this.load();
    return webhook;
  }

  async set(id: string, change: WebhookChange): Promise<void> {
    const changed = await this.#api.change(id, change);
    this.change((items) => items.map((one) => (one.webhook_id === id ? changed : one)));
  }

  /** Gives a webhook a new secret, which the server tells only now. */
  renewSecret(id: string): Promise<RenewedSecret> {
    return this.#api.renewSecret(id);
  }

  async end(id: string): Promise<void> {
    await this.#api.end(id);
    this.change((items) => items.filter(({ webhook_id }) => webhook_id !== id));
  }

  /** What became of the deliveries of a webhook, or with `dead` what its receiver did not take. */
  deliveries(id: string, dead: boolean): PagedList<Delivery> {
    return new PagedList((cursor) => this.#api.deliveries(id, dead, cursor));
  }

  /** Lets entries be sent once more. Answers with the range that the server sends. */
  async replay(id: string, wanted: WantedReplay): Promise<Replay> {
    const replay = await this.#api.replay(id, wanted);
    this.change((items) => items.map((one) => (one.webhook_id === id ? { ...one, replay } : one)));
    return replay;
  }
}

const PAUSED = {
  owner: 'Paused by an owner of the room.',
  gone: 'Paused: the receiver answered 410, so it wants nothing more.',
  down: 'Paused: the receiver was down for 30 days.',
};

/** How a webhook is, in plain words. */
export function stateText(webhook: Webhook): string {
  if (webhook.paused_by) return `${PAUSED[webhook.paused_by]} It keeps its place.`;
  if (!webhook.waiting_since || !webhook.next_attempt_at)
    return 'Everything is delivered in order.';
  const why =
    webhook.last_status === null
      ? 'The receiver does not answer.'
      : `The receiver answered ${webhook.last_status}.`;
  const since = mediumTime(webhook.waiting_since);
  return `${why} Waiting since ${since}, tries again at ${mediumTime(webhook.next_attempt_at)}. Nothing is skipped.`;
}

/** Which entries are sent once more, in plain words. */
export function replayText({ from_seq, to_seq }: Replay): string {
  return from_seq === to_seq
    ? `Entry ${from_seq} is sent once more.`
    : `The entries ${from_seq} to ${to_seq} are sent once more.`;
}

const OUTCOMES = {
  delivered: 'delivered',
  down: 'not taken, waits',
  refused: 'refused',
  gone: 'refused for ever',
};

/** What became of one attempt, in plain words. */
export function outcomeText({ outcome, status, attempt, milliseconds }: Delivery): string {
  const answer = status === null ? 'no answer' : `answer ${status}`;
  const which = attempt > 1 ? `, attempt ${attempt}` : '';
  return `${OUTCOMES[outcome]} (${answer}${which}, ${milliseconds} ms)`;
}
