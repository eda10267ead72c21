import { signal } from '@preact/signals';
import { Api } from 'tailwire-client/wire/api/api';
import type { Room } from 'tailwire-client/wire/protocol';
import { createSession, type Session } from '../../src/session';
import { TokenStore } from '../../src/wire/tokens';
import { ME, makePage, makeRoom } from '../make';
import { FakeDesk, sharedBy } from './fake_desk';
import { FakeOutboxStore } from './fake_outbox_store';
import { ManualClock, settled } from './manual_clock';
import { ReadChannels } from './read_channels';
import { type RecordedRequest, ScriptedApi } from './scripted_api';
import { ScriptedServer } from './scripted_socket';
import { makeTab } from './tab';

/** A page of a user who is logged in, with a scripted server. Its view shows what the test says. */
export class Page {
  readonly clock = new ManualClock();
  readonly server = new ScriptedServer();
  readonly http = new ScriptedApi();
  readonly focused = signal(true);
  readonly visible = signal(true);
  readonly desk = new FakeDesk();
  readonly session: Session;

  /** `channels` are those of the browser in which the page is a tab. */
  constructor(channels = new ReadChannels()) {
    this.serve(makeRoom());
    this.http
      .on('GET /rooms/lobby/messages', { body: makePage([8, 9, 10]) })
      .on('PUT /rooms/lobby/read', { status: 204 });
    const tokens = new TokenStore(this.clock, null);
    const expiry = { token_type: 'bearer', expires_in: 900 };
    tokens.signedIn({ access_token: 'a', refresh_token: 'r', ...expiry });
    let refs = 0;
    this.session = createSession({
      user_id: ME,
      api: new Api('https://chat.example/', tokens, this.http.fetch),
      page: 'https://chat.example/',
      clock: this.clock,
      outboxStore: new FakeOutboxStore(),
      tab: makeTab(this.clock),
      focused: this.focused,
      visible: this.visible,
      readChannel: channels.open(),
      desk: this.desk,
      shared: sharedBy(channels.storage),
      token: () => Promise.resolve('a'),
      renewIn: () => 14 * 60_000,
      WebSocket: this.server.WebSocket,
      isOnline: () => true,
      makeRef: () => `ref-${++refs}`,
      onEnded: () => {},
    });
  }

  /** From now on these are the rooms of the user. */
  serve(...rooms: Room[]): void {
    this.http.on('GET /rooms', (request) => listOf(rooms, request));
  }

  /** Answers the next request late, when the returned function is called. */
  hold(request: string, answer: (request: RecordedRequest) => { body: unknown }): () => void {
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.http.on(request, async (recorded) => {
      await released;
      return answer(recorded);
    });
    return release;
  }

  async goLive(
    open: string | null = 'lobby',
    limits: Record<string, number> = {},
    features: readonly string[] = [],
  ): Promise<void> {
    this.session.start();
    this.session.membership.open(open);
    await settled();
    this.server.socket.makeReady(limits, { features });
    await settled();
  }

  async reconnect(): Promise<void> {
    this.server.socket.drop();
    await this.clock.advance(1_000);
    this.server.socket.makeReady();
    await settled();
  }

  emit(event: object): void {
    this.server.socket.emit(event as Record<string, unknown>);
  }

  live(seq: number, room_id = 'lobby', epoch = 'e1'): void {
    this.emit({ type: 'live', room_id, epoch, seq });
  }

  /** The entries of the open room from one seq to another are on the screen. */
  show(from: number, to: number, epoch = 'e1'): void {
    const room_id = this.session.openRoomId.peek() ?? '';
    this.session.reading.show({ room_id, epoch, from, to });
  }

  room(room_id = 'lobby'): Room | undefined {
    return this.session.rooms.get(room_id);
  }

  /** What the server was told of reading the lobby. */
  get reports(): unknown[] {
    return this.http.sent('PUT /rooms/lobby/read').map(({ body }) => body);
  }
}

/** The answer to a list of the user's rooms, or to a question for some of them. */
export function listOf(rooms: readonly Room[], { query }: RecordedRequest): { body: unknown } {
  const ids = query.get('ids')?.split(',');
  return {
    body: { items: rooms.filter(({ id }) => ids?.includes(id) ?? true), next_cursor: null },
  };
}
