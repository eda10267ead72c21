/** Outgoing webhooks, as in docs/protocol.md. */
import type * as http from './generated/http.ts';

/** An address to which what is written to a room is posted. `url` is null for who does not manage it. */
export type Webhook = Omit<http.WebhookOut, 'kinds'> & {
  /** The kinds of entries that are posted; null where it is all. */
  kinds: readonly string[] | null;
};

/** A webhook that was just made. Its secret is not shown again. */
export type MadeWebhook = Webhook & Pick<http.MadeWebhook, 'secret'>;

/** What changes of a webhook. What is left out stays. */
export type WebhookChange = { paused?: boolean; kinds?: readonly string[] | null };

/** A new secret. Until `earlier_until` the one before it signs, too. */
export type RenewedSecret = http.SecretOut;

/** Entries that are sent once more, from one seq up to another. */
export type Replay = http.ReplayOut;

/** What is asked for to be sent once more. Without `to_seq` it is all up to the last that was sent. */
export type WantedReplay = Omit<Replay, 'to_seq'> & { to_seq?: number };

/** One attempt to deliver an entry, or an entry that the receiver did not take. */
export type Delivery = http.DeliveryOut;
