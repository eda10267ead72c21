import { Http } from 'tailwire-client/wire/http';
import { Problem } from 'tailwire-client/wire/problem';
import { beforeEach, expect, test } from 'vitest';
import { ScriptedApi } from '../doubles/scripted_api';

let server: ScriptedApi;
let http: Http;

beforeEach(() => {
  server = new ScriptedApi();
  http = new Http('https://chat.example/', server.fetch, false);
});

const failure = async () =>
  http.exchange('GET', 'users/me', 'token').then(
    () => expect.unreachable('it succeeded'),
    (error: unknown) => error,
  );

test('a problem keeps its code, its wait and its fields', async () => {
  server.on('GET /users/me', {
    status: 422,
    body: { code: 'invalid', errors: [{ loc: ['body', 'username'], message: 'is too short' }] },
  });
  const problem = (await failure()) as Problem;
  expect(problem.code).toBe('invalid');
  expect(problem.fields.get('username')).toBe('This is too short.');
});

test('no network is a Problem that says unreachable', async () => {
  server.on('GET /users/me', () => {
    throw new TypeError('Failed to fetch');
  });
  expect(await failure()).toMatchObject({ status: 0, code: 'unreachable', temporary: true });
});

test('a proxy page instead of an answer is an unavailable server', async () => {
  server.on('GET /users/me', { status: 502, body: '<html>', headers: { 'Retry-After': '7' } });
  expect(await failure()).toMatchObject({ code: 'unavailable', retryAfterSeconds: 7 });
});

test('a page that answers 200 where JSON should be is no answer', async () => {
  server.on('GET /users/me', { body: '<!doctype html>' });
  expect(await failure()).toBeInstanceOf(Problem);
});
