import { Client } from 'tailwire-client';

const client = new Client({
  url: process.env.TAILWIRE,
  credentials: process.env.TOKEN,
  onEvent(event) {
    if (event.type === 'entry' && event.entry.type === 'message')
      console.log(event.entry.username, event.entry.body);
    else if (event.type === 'reset') console.log('load the history of', event.room_id, 'again');
  },
});
await client.start();
client.follow(...(await client.rooms()).map((room) => room.id));
console.log('stored as', (await client.send('lobby', 'Hello from TypeScript')).seq);
