import { beforeEach, expect, test } from 'vitest';
import { Build } from '../../src/wire/build';
import { ScriptedApi } from '../doubles/scripted_api';

let http: ScriptedApi;
let build: Build;

beforeEach(() => {
  http = new ScriptedApi();
  build = new Build(http.fetch, 'https://chat.example/', './assets/index-one.js');
});

const serve = (script: string) =>
  http.on('GET /', {
    body: `<head><script type="module" crossorigin src="${script}"></script></head><div id="app"></div>`,
  });

test('the build that is served is the one that runs', async () => {
  serve('./assets/index-one.js');
  await build.check();
  expect(build.outdated.value).toBe(false);
});

test('another build that is served makes this one outdated until this one is served again', async () => {
  serve('./assets/index-two.js');
  await build.check();
  expect(build.outdated.value).toBe(true);
  serve('./assets/index-one.js');
  await build.check();
  expect(build.outdated.value).toBe(false);
});

test.each([
  ['no answer', null],
  ['an error', { status: 502, body: '<script type="module" src="x.js"></script>' }],
  ['a page of somebody else', { body: '<h1>Sign in to the hotel</h1>' }],
  ['its log-in page', { body: '<script type="module" src="x.js"></script><h1>Sign in</h1>' }],
])('%s says nothing', async (_, answer) => {
  if (answer) http.on('GET /', answer);
  await build.check();
  expect(build.outdated.value).toBe(false);
});

test('a page without a script asks nothing', async () => {
  await new Build(http.fetch, 'https://chat.example/', null).check();
  expect(http.requests).toEqual([]);
});
