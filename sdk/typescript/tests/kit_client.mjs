// The TypeScript client as the conformance kit drives it: commands in, what it shows out, both as lines of JSON.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Client, NotSent, Problem, systemClock } from '../dist/index.js';
import { FileStore } from '../examples/file_store.mjs';

const { KIT_URL, KIT_USERNAME, KIT_PASSWORD, KIT_STATE, KIT_PACE } = process.env;

// As it is written at once, a kit that does not read stops the client.
function tell(line) {
  const text = Buffer.from(`${JSON.stringify(line)}\n`);
  for (let at = 0; at < text.length; ) {
    try {
      at += writeSync(1, text, at);
    } catch (error) {
      if (error.code === 'EPIPE') process.exit(1);
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

function show(event) {
  if (event.type === 'entry') {
    const { room_id, epoch, seq, entry } = event;
    const body = entry.type === 'message' ? entry.body : null;
    tell({ type: 'entry', room_id, epoch, seq, kind: entry.type, body });
  } else if (event.type !== 'signal' && event.type !== 'ready') tell(event);
}

const client = new Client({
  url: KIT_URL,
  credentials: { username: KIT_USERNAME, password: KIT_PASSWORD },
  store: new FileStore(KIT_STATE),
  // Only the client's own waits have jitter.
  clock: { ...systemClock, random: () => Math.random() * Number(KIT_PACE) },
  onEvent: show,
});

function failed(id, error) {
  if (error instanceof NotSent && !['ended', 'timeout'].includes(error.code))
    tell({ type: 'refused', id, code: error.code });
  else if (error instanceof NotSent || error instanceof Problem)
    tell({ type: 'failed', id, code: error.code });
  else throw error;
}

const commands = {
  follow({ room_ids }) {
    client.follow(...room_ids);
  },
  send({ id, room_id, body, reply_to, epoch }) {
    client.send(room_id, body, { reply_to, epoch }).then(
      ({ seq }) => tell({ type: 'sent', id, seq }),
      (error) => failed(id, error),
    );
  },
  rooms({ id }) {
    client.rooms().then(
      () => tell({ type: 'done', id }),
      (error) => failed(id, error),
    );
  },
  make_room({ id, name }) {
    client.api.rooms.create(name, 'private', '').then(
      () => tell({ type: 'done', id }),
      (error) => failed(id, error),
    );
  },
  async consume({ name, answer }) {
    const consumer = client.consumer(name);
    for await (const entry of consumer) {
      const { type, room_id, epoch, seq, body = null } = entry;
      if (type === 'reset') tell({ type, room_id, epoch, seq });
      else if (seq !== undefined) tell({ type: 'entry', room_id, epoch, seq, kind: type, body });
      if (answer && type === 'message' && entry.username !== KIT_USERNAME)
        await consumer.answer(entry, `You said: ${body}`);
    }
  },
};

await client.start();
tell({ type: 'hello', can: ['send', 'keep', 'consume', 'requests', 'make_room'] });
const input = createInterface({ input: process.stdin });
for await (const line of input) {
  const command = JSON.parse(line);
  commands[command.do](command);
}
await client.stop();
process.exit(0);
