import { Client } from 'tailwire-client';

const client = new Client({
  url: process.env.TAILWIRE,
  credentials: process.env.TOKEN,
  onEvent: () => {},
});
const consumer = client.consumer('echo');
await client.start();
for await (const entry of consumer)
  if (entry.type === 'message' && !entry.is_bot)
    await consumer.answer(entry, `You said: ${entry.body}`);
