import { signal } from '@preact/signals';
import type { ModerationApi } from 'tailwire-client/wire/api/moderation';

export type Span = 'hour' | 'day' | 'week' | 'all';

const HOURS: Record<Exclude<Span, 'all'>, number> = { hour: 1, day: 24, week: 7 * 24 };
const HOUR_MILLISECONDS = 3_600_000;

/** The moment at which a span begins that ends now; null for all messages. */
export function beginning(span: Span, now: Date): string | null {
  if (span === 'all') return null;
  return new Date(now.getTime() - HOURS[span] * HOUR_MILLISECONDS).toISOString();
}

/** Deletes all messages of a user in a room, those of a span or all, in as many steps as the server needs. */
export class Deletion {
  /** How many are deleted so far. */
  readonly count = signal(0);
  readonly #api: ModerationApi;

  constructor(api: ModerationApi) {
    this.#api = api;
  }

  /** Fails with a Problem. What is deleted by then stays deleted. */
  async run(room_id: string, user_id: string, since: string | null): Promise<void> {
    this.count.value = 0;
    let hasMore = true;
    while (hasMore) {
      const { deleted, has_more } = await this.#api.deleteMessages(room_id, user_id, since);
      this.count.value += deleted;
      // A step that deletes nothing would never end.
      hasMore = has_more && deleted > 0;
    }
  }
}
