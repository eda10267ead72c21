// A client that comes back to many rooms. It prints what it was told, and how often it asked for all at once.
import { Client, MemoryStore } from '../dist/index.js';

const positions = JSON.parse(process.env.POSITIONS);
const store = new MemoryStore();
await store.write('positions', JSON.stringify(positions));
const told = [];
const asked = [];
const left = new Set(Object.keys(positions));
await new Promise((done) => {
  const client = new Client({
    url: process.env.TAILWIRE,
    credentials: process.env.TOKEN,
    store,
    fetch(url, options) {
      if (String(url).endsWith('/sync')) asked.push(String(url));
      return fetch(url, options);
    },
    onEvent(event) {
      if (event.type === 'entry') told.push([event.room_id, event.seq]);
      if (event.type === 'reset') told.push(['reset', event.room_id]);
      if (event.type === 'live' && left.delete(event.room_id) && left.size === 0) done();
    },
  });
  client.start().then(() => client.follow(...Object.keys(positions)));
});
process.stdout.write(JSON.stringify({ told, asked: asked.length }));
process.exit(0);
