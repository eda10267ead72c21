import type { Requests } from 'tailwire-client/wire/requests';
import { expect, test } from 'vitest';
import { Hooks } from '../../src/rooms/hooks';

const HOOK = {
  ...{ hook_id: 'h', user_id: 'b', name: 'CI', made_by: 'a', created_at: '' },
  last_used_at: null,
};

/** A server that makes hooks at an address of its own, and has those that it is told to. */
function serverAt(base: string, items: (typeof HOOK)[] = []) {
  const asked: string[] = [];
  const requests = {
    get: async () => ({ items, next_cursor: null }),
    send: async (method: string, path: string) => {
      asked.push(`${method} ${path}`);
      return { ...HOOK, url: `${base}/hooks/twh_s` };
    },
  } as unknown as Requests;
  return { asked, requests };
}

test.each([
  ['http://127.0.0.1:8000', 'https://chat.example/app/', 'https://chat.example/app/hooks/twh_s'],
  ['http://127.0.0.1:8000', 'http://localhost:5173/', 'http://127.0.0.1:8000/hooks/twh_s'],
  ['https://chat.example/app', 'https://page.example/', 'https://chat.example/app/hooks/twh_s'],
])('a hook made at %s from the page %s is reached at %s', async (base, page, url) => {
  const { requests } = serverAt(base);
  expect((await new Hooks(requests, 'r', page).make('CI')).url).toBe(url);
});

test('a hook that is ended leaves the list', async () => {
  const { asked, requests } = serverAt('https://chat.example', [HOOK, { ...HOOK, hook_id: 'i' }]);
  const hooks = new Hooks(requests, 'r', 'https://chat.example/');
  await hooks.load();
  await hooks.end('h');
  expect(hooks.items.value.map(({ hook_id }) => hook_id)).toEqual(['i']);
  expect(asked).toEqual(['DELETE rooms/r/hooks/h']);
});
