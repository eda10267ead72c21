import { Client } from 'tailwire-client';

const url = process.env.TAILWIRE;
const onEvent = () => {};

const credentials = {
  username: process.env.CHAT_USER,
  password: process.env.CHAT_PASSWORD,
};
const person = new Client({ url, credentials, onEvent });
await person.start();
const { id } = await person.api.programs.makeBot('echo-bot', 'Echo');
const { token } = await person.api.programs.makeToken(id, {
  name: 'first steps',
  scopes: ['read', 'write', 'manage'],
});
await person.stop();

const bot = new Client({ url, credentials: token, onEvent });
await bot.start();
await bot.api.rooms.join('lobby');
await bot.stop();
console.log(token);
