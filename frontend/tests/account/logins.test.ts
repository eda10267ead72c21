import type { SessionsApi } from 'tailwire-client/wire/api/sessions';
import type { Login } from 'tailwire-client/wire/protocol';
import { expect, test } from 'vitest';
import { Logins } from '../../src/account/logins';
import { AT } from '../make';

const login = (id: string, current = false): Login => ({
  ...{ id, current },
  ...{ created_at: AT, last_used_at: AT, user_agent: 'Firefox' },
});

/** The user's sessions, whose lists are answered in the order in which the test says. */
function made() {
  const lists: ((logins: Login[]) => void)[] = [];
  const list = () => new Promise<Login[]>((resolve) => lists.push(resolve));
  const logins = new Logins({
    list,
    end: async () => {},
    endOthers: async () => {},
  } as unknown as SessionsApi);
  const shown = () => logins.items.value.map(({ id }) => id);
  const answer = async (loading: Promise<void>, index: number, ...items: Login[]) => {
    lists[index]?.(items);
    await loading;
  };
  return { logins, shown, answer };
}

test('a session that was ended while the list was on its way does not come back', async () => {
  const { logins, shown, answer } = made();
  const loading = logins.load();
  await logins.end('phone');
  await answer(loading, 0, login('here', true), login('phone'), login('tablet'));
  expect(shown()).toEqual(['here', 'tablet']);
});

test('neither do all others', async () => {
  const { logins, shown, answer } = made();
  const loading = logins.load();
  await logins.endOthers();
  await answer(loading, 0, login('here', true), login('phone'));
  expect(shown()).toEqual(['here']);
});

test('of two lists on their way the one that was asked for last counts', async () => {
  const { logins, shown, answer } = made();
  const first = logins.load();
  const second = logins.load();
  await answer(second, 1, login('here', true));
  await answer(first, 0, login('here', true), login('phone'));
  expect(shown()).toEqual(['here']);
});
