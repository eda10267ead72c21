import type { Command } from 'tailwire-client/wire/commands';

/** The server's side of all WebSockets that the code under test opens. The test sends the events. */
export class ScriptedServer {
  readonly sockets: ScriptedSocket[] = [];

  /** Stands in for the WebSocket constructor. */
  readonly WebSocket: new (
    url: string,
  ) => ScriptedSocket;

  constructor() {
    const { sockets } = this;
    this.WebSocket = class extends ScriptedSocket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
    };
  }

  /** The connection opened last. */
  get socket(): ScriptedSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('nothing has connected yet');
    return socket;
  }
}

type AnyCommand = Command & Record<string, unknown>;

export class ScriptedSocket {
  onopen: ((event: never) => unknown) | null = null;
  onmessage: ((event: never) => unknown) | null = null;
  onclose: ((event: never) => unknown) | null = null;
  readonly commands: AnyCommand[] = [];
  closedByClient = false;

  constructor(readonly url: string) {}

  send(frame: string): void {
    this.commands.push(JSON.parse(frame) as AnyCommand);
  }

  close(): void {
    this.closedByClient = true;
  }

  /** The handshake is over. */
  accept(): void {
    this.onopen?.({} as never);
  }

  emit(event: Record<string, unknown>): void {
    this.emitFrame(JSON.stringify(event));
  }

  emitFrame(data: unknown): void {
    this.onmessage?.({ data } as never);
  }

  drop(code = 1006): void {
    this.onclose?.({ code } as never);
  }

  /** Handshake, sign-in and `ready` in one. */
  makeReady(limits: Record<string, number> = {}, more: Record<string, unknown> = {}): void {
    this.accept();
    this.emit({
      type: 'ready',
      user: { id: 'alice-id', username: 'alice', display_name: 'Alice' },
      session_id: 's1',
      expires_at: '2026-01-01T00:15:00.000Z',
      heartbeat_seconds: 25,
      limits: { body_characters: 4000, ...limits },
      ...more,
    });
  }

  sent(type: Command['type']): AnyCommand[] {
    return this.commands.filter((command) => command.type === type);
  }
}
