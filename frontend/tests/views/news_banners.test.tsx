import { signal } from '@preact/signals';
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { expect, test, vi } from 'vitest';
import { Names } from '../../src/rooms/names';
import type { NewsItem } from '../../src/rooms/news';
import type { Session } from '../../src/session';
import { AppContext, SessionContext } from '../../src/views/parts/context';
import { NewsBanners } from '../../src/views/shell/NewsBanners';
import { messageParts } from '../doubles/parts';
import { makeRoom, makeWebhook } from '../make';
import { root } from './stage';

const den = makeRoom({ id: 'den', name: 'Den', role: 'owner' });
const paused = makeWebhook({ webhook_id: 'w', state: 'paused', paused_by: 'gone' });
const item: NewsItem = {
  ...{ room_id: 'den', name: 'Den', what: 'webhook', by: null, webhook_id: 'w' },
};

function show(place: string): { seen: string[] } {
  const items = signal<readonly NewsItem[]>([item]);
  const seen: string[] = [];
  const session = {
    features: signal(new Set(['webhooks'])),
    names: new Names(),
    news: { items, seen: (room_id: string) => seen.push(room_id) },
    requests: {
      get: async (path: string) => ({
        items: path === 'rooms/den/webhooks' ? [makeWebhook({ webhook_id: 'other' }), paused] : [],
        next_cursor: null,
      }),
    },
    rooms: { get: (id: string) => (id === 'den' ? den : undefined) },
  } as unknown as Session;
  act(() =>
    render(
      <AppContext.Provider value={messageParts()}>
        <SessionContext.Provider value={session}>
          <NewsBanners place={place} />
        </SessionContext.Provider>
      </AppContext.Provider>,
      root,
    ),
  );
  return { seen };
}

const button = (name: string) =>
  [...root.querySelectorAll('button')].find(({ textContent }) => textContent === name);

test.each(['lobby', 'den'])('a paused webhook leads to its page, from %s', async (place) => {
  const { seen } = show(place);
  expect(root.textContent).toContain('A webhook of Den is paused');
  act(() => button('See the webhook')?.click());
  await vi.waitFor(() =>
    expect(root.querySelector('dialog')?.textContent).toContain('the receiver answered 410'),
  );
  expect(button('Resume')).toBeDefined();
  act(() => root.querySelector<HTMLElement>('dialog [aria-label=Close]')?.click());
  expect(root.querySelector('dialog')).toBeNull();
  act(() => button('Dismiss')?.click());
  expect(seen).toEqual(['den']);
});
