import type { Timeline } from 'tailwire-client/rooms/timeline';
import { startTimeline } from 'tailwire-client/rooms/timeline';
import type { EntryEvent, HistoryPage, Message, Room } from 'tailwire-client/wire/protocol';
import type { Webhook } from 'tailwire-client/wire/webhooks';

export const ME = 'alice-id';
export const AT = '2026-01-05T10:00:00.000Z';

export function makeMessage(seq: number, fields: Partial<Message> = {}): Message {
  return {
    room_id: 'lobby',
    seq,
    at: AT,
    user_id: 'bob-id',
    username: 'bob',
    ref: null,
    body: `message ${seq}`,
    reply_to: null,
    ...fields,
  };
}

export function makeEvent(seq: number, fields: Record<string, unknown> = {}): EntryEvent {
  return { type: 'message', ...makeMessage(seq), ...fields } as EntryEvent;
}

export function makePage(seqs: number[], fields: Partial<HistoryPage> = {}): HistoryPage {
  return { items: seqs.map((seq) => makeMessage(seq)), epoch: 'e1', has_more: false, ...fields };
}

export function makeRoom(fields: Partial<Room> = {}): Room {
  return {
    id: 'lobby',
    name: 'Lobby',
    topic: null,
    visibility: 'public',
    created_at: AT,
    role: 'member',
    epoch: 'e1',
    seq: 10,
    read_seq: 10,
    unread_count: 0,
    last_message: null,
    ...fields,
  };
}

export function makeWebhook(fields: Partial<Webhook> = {}): Webhook {
  return {
    webhook_id: 'w',
    room_id: 'r',
    host: 'in.example',
    url: 'https://in.example/',
    kinds: null,
    made_by: 'a',
    created_at: AT,
    state: 'active',
    paused_by: null,
    waiting_since: null,
    next_attempt_at: null,
    attempts: 0,
    last_status: null,
    replay: null,
    ...fields,
  };
}

export function makeTimeline(seq: number): Timeline {
  return startTimeline({ epoch: 'e1', seq });
}

export class MemoryStorage implements Storage {
  readonly #values = new Map<string, string>();

  get length(): number {
    return this.#values.size;
  }

  clear(): void {
    this.#values.clear();
  }

  getItem(key: string): string | null {
    return this.#values.get(key) ?? null;
  }

  key(index: number): string | null {
    return [...this.#values.keys()][index] ?? null;
  }

  removeItem(key: string): void {
    this.#values.delete(key);
  }

  setItem(key: string, value: string): void {
    this.#values.set(key, value);
  }
}
