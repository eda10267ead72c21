import type { HistoryPage } from '../protocol';
import type { Requests } from '../requests';
import { roomPath } from './rooms';

export class MessagesApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** The newest messages before a seq, with the entries of members and of the room between them. */
  before(room_id: string, seq: number, limit: number): Promise<HistoryPage> {
    return this.#page(room_id, { before: seq, limit });
  }

  /** The oldest messages after a seq, with the entries of members and of the room between them. */
  after(room_id: string, seq: number, limit: number): Promise<HistoryPage> {
    return this.#page(room_id, { after: seq, limit });
  }

  #page(room_id: string, query: Record<string, number>): Promise<HistoryPage> {
    return this.#requests.get(`${roomPath(room_id)}/messages`, { ...query, entries: 'true' });
  }
}
