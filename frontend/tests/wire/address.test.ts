import { socketUrl } from 'tailwire-client/wire/socket_url';
import { expect, test } from 'vitest';
import { readApiUrl } from '../../src/wire/address';
import { ScriptedApi } from '../doubles/scripted_api';

const page = 'https://static.example/chat/index.html';
const read = (body: unknown, status = 200) =>
  readApiUrl(new ScriptedApi().on('GET /chat/config.json', { body, status }).fetch, page);

test('the address of the API is where the page came from, unless config.json says otherwise', async () => {
  expect(await read({ api_url: '' })).toBe('https://static.example/chat/');
  expect(await read('', 404)).toBe('https://static.example/chat/');
  expect(await read('<html>')).toBe('https://static.example/chat/');
});

test('it is what config.json says, with or without a slash at its end', async () => {
  expect(await read({ api_url: 'https://api.example' })).toBe('https://api.example/');
  expect(await read({ api_url: 'https://api.example/v1' })).toBe('https://api.example/v1/');
});

test('it is never another scheme', async () => {
  expect(await read({ api_url: 'javascript:alert(1)' })).toBe('https://static.example/chat/');
});

test('the WebSocket has the scheme that goes with it', () => {
  expect(socketUrl('https://chat.example/')).toBe('wss://chat.example/ws/messages');
  expect(socketUrl('http://127.0.0.1:8000/')).toBe('ws://127.0.0.1:8000/ws/messages');
});
