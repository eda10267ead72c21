// What a program asks of a server besides messages, said to a real one. It prints what it found as JSON.
import { Client } from '../dist/index.js';

const client = new Client({
  url: process.env.TAILWIRE,
  credentials: { username: 'ada', password: process.env.PASSWORD },
  onEvent() {},
});
await client.start();
const { api } = client;
const found = {};

const picture = new Blob([Buffer.from(process.env.PICTURE, 'base64')], { type: 'image/png' });
const me = await api.avatars.setOwn(picture);
const shown = await fetch(api.avatars.address(me.avatar, 96));
found.avatar = [shown.status, shown.headers.get('Content-Type')];
found.removed = (await api.avatars.removeOwn()).avatar;

const room = await api.rooms.create('Garden', 'private', 'roses');
found.room = (await api.avatars.setOfRoom(room.id, picture)).avatar !== null;
await api.avatars.removeOfRoom(room.id);
const bot = await api.programs.makeBot('robot', 'Robot');
found.bot = (await api.avatars.setOfBot(bot.id, picture)).avatar !== null;
await api.avatars.removeOfBot(bot.id);
await api.programs.makeToken(bot.id, { name: 'its', scopes: ['read'] });
found.tokens = (await api.programs.tokens(bot.id)).map(({ name }) => name);

const hook = await api.hooks.make(room.id, 'Deploys');
await fetch(hook.url.replace(/^https?:\/\/[^/]+/, process.env.TAILWIRE), {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ text: 'deployed' }),
});
found.hooks = (await api.hooks.list(room.id)).items.map(({ name }) => name);
const { items } = await api.messages.before(room.id, Number.MAX_SAFE_INTEGER, 10);
found.posted = items.at(-1)?.body ?? null;

const webhooks = api.webhooks(room.id);
const webhook = await webhooks.make('https://hooks.example.com/in', ['message']);
found.secret = typeof webhook.secret;
found.paused = (await webhooks.change(webhook.webhook_id, { paused: true })).state;
await webhooks.end(webhook.webhook_id);
found.webhooks = (await webhooks.list()).items.length;

const missed = await api.sync.since([{ room_id: room.id, epoch: room.epoch, seq: room.seq }], true);
found.missed = missed.items.map(({ type, room_id }) => [type, room_id === room.id]);
found.refused = await api.admin.status().then(
  () => null,
  ({ code }) => code,
);
process.stdout.write(JSON.stringify(found));
await client.stop();
process.exit(0);
