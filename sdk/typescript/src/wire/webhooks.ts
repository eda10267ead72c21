/** The shapes of outgoing webhooks in docs/protocol.md. */

/** An address to which what is written to a room is posted. `url` is null for who does not manage it. */
export interface Webhook {
  webhook_id: string;
  host: string;
  url: string | null;
  /** The kinds of entries that are posted; null where it is all. */
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
  /** The entries that are sent once more before it goes on; null where there are none. */
  replay: Replay | null;
}

/** A webhook that was just made. Its secret is not shown again. */
export interface MadeWebhook extends Webhook {
  secret: string;
}

/** What changes of a webhook. What is left out stays. */
export interface WebhookChange {
  paused?: boolean;
  kinds?: readonly string[] | null;
}

/** A new secret. Until `earlier_until` the one before it signs, too. */
export interface RenewedSecret {
  secret: string;
  earlier_until: string;
}

/** Entries that are sent once more, from one seq up to another. */
export interface Replay {
  epoch: string;
  from_seq: number;
  to_seq: number;
}

/** What is asked for to be sent once more. Without `to_seq` it is all up to the last that was sent. */
export type WantedReplay = Omit<Replay, 'to_seq'> & { to_seq?: number };

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
