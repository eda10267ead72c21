import { signal } from '@preact/signals';
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { expect, test, vi } from 'vitest';
import type { App } from '../../src/app';
import { Names } from '../../src/rooms/names';
import type { Session } from '../../src/session';
import { AppContext, SessionContext } from '../../src/views/parts/context';
import { Hooks } from '../../src/views/rooms/Hooks';
import { messageParts } from '../doubles/parts';
import { AT, makeRoom } from '../make';
import { root } from './stage';

const HOUR_MS = 3_600_000;

test('of each hook it is shown when it last posted', async () => {
  const hook = { user_id: 'bot', made_by: 'a', created_at: AT };
  const items = [
    { ...hook, hook_id: 'h', name: 'Builds', last_used_at: AT },
    { ...hook, hook_id: 'i', name: 'Alerts', last_used_at: null },
  ];
  const session = {
    names: new Names(),
    requests: { get: async () => ({ items, next_cursor: null }) },
  } as unknown as Session;
  const now = { minute: signal(new Date(Date.parse(AT) + 2 * HOUR_MS)) };
  act(() =>
    render(
      <AppContext.Provider value={{ ...messageParts(), now } as unknown as App}>
        <SessionContext.Provider value={session}>
          <Hooks room={makeRoom()} />
        </SessionContext.Provider>
      </AppContext.Provider>,
      root,
    ),
  );
  await vi.waitFor(() => expect(root.querySelectorAll('li')).toHaveLength(2));
  const [builds, alerts] = [...root.querySelectorAll('li')].map(({ textContent }) => textContent);
  expect(builds).toMatch(/^Builds.*Last posted 2 hours ago/);
  expect(alerts).toMatch(/^Alerts.*Never posted/);
});
