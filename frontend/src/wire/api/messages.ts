import type { HistoryPage } from '../protocol';
import type { Requests } from '../requests';
import { roomPath } from './rooms';

export class MessagesApi {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** The newest messages before a seq. */
  before(room_id: string, seq: number, limit: number): Promise<HistoryPage> {
    return this.#requests.get(`${roomPath(room_id)}/messages`, { before: seq, limit });
  }
}
