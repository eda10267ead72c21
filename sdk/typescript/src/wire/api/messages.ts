import type { EditsPage, HistoryPage, Message, MessageText, Page, Reactor } from '../protocol.ts';
import type { Requests } from '../requests.ts';
import { roomPath } from './rooms.ts';

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

  /** A message as it is now. */
  get(room_id: string, seq: number): Promise<Message> {
    return this.#requests.get(messagePath(room_id, seq));
  }

  /** The oldest replies below a message that come after a seq, without the entries between them. */
  thread(room_id: string, root: number, after: number, limit: number): Promise<HistoryPage> {
    return this.#requests.get(`${messagePath(room_id, root)}/thread`, { after, limit });
  }

  /** The texts of a message, the oldest first. A deleted message has none. */
  async texts(room_id: string, seq: number): Promise<MessageText[]> {
    const texts: MessageText[] = [];
    let after: number | undefined;
    do {
      const page = await this.#requests.get<EditsPage>(`${messagePath(room_id, seq)}/edits`, {
        ...{ after, limit: 100 },
      });
      if (after === undefined && page.original) texts.push(page.original);
      texts.push(...page.items);
      after = page.has_more ? page.items.at(-1)?.seq : undefined;
    } while (after !== undefined);
    return texts;
  }

  /** The first of those who reacted to a message with an emoji. */
  reactors(room_id: string, seq: number, emoji: string): Promise<Page<Reactor>> {
    const path = `${messagePath(room_id, seq)}/reactions/${encodeURIComponent(emoji)}`;
    return this.#requests.get(path, { limit: 100 });
  }

  /** The pinned messages of a room, the one that was pinned last first. */
  async pins(room_id: string): Promise<Message[]> {
    return (await this.#requests.get<{ items: Message[] }>(`${roomPath(room_id)}/pins`)).items;
  }

  #page(room_id: string, query: Record<string, number>): Promise<HistoryPage> {
    return this.#requests.get(`${roomPath(room_id)}/messages`, { ...query, entries: 'true' });
  }
}

function messagePath(room_id: string, seq: number): string {
  return `${roomPath(room_id)}/messages/${seq}`;
}
