/** The shapes of outgoing webhooks in docs/protocol.md. */

/** An address to which what is written to a room is posted. `url` is null for who does not manage it. */
export interface Webhook {
  webhook_id: string;
  host: string;
  url: string | null;
  kinds: readonly string[] | null;
  /** The user who made it. */
  made_by: string;
  created_at: string;
  state: 'active' | 'waiting' | 'paused';
  paused_by: 'owner' | 'gone' | 'down' | null;
  waiting_since: string | null;
  next_attempt_at: string | null;
  attempts: number;
  /** What the receiver answered last; null where it did not answer. */
  last_status: number | null;
}

/** A webhook that was just made. Its secret is not shown again. */
export interface MadeWebhook extends Webhook {
  secret: string;
}

/** One attempt to deliver an entry, or an entry that the receiver did not take. */
export interface Delivery {
  delivery_id: string;
  type: string;
  epoch: string;
  seq: number;
  at: string;
  attempt: number;
  outcome: 'delivered' | 'down' | 'refused' | 'gone';
  status: number | null;
  milliseconds: number;
}
