import { signal } from '@preact/signals';
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { App } from '../../src/app';
import type { Session } from '../../src/session';
import { Logins } from '../../src/views/account/Logins';
import { Invitations } from '../../src/views/admin/Invitations';
import { AppContext, SessionContext } from '../../src/views/parts/context';
import { Problem } from '../../src/wire/problem';
import { AT } from '../make';
import { root } from './stage';

const end = vi.fn<(id: string) => Promise<void>>();
const listed = { state: signal('loaded'), error: signal(''), load: async () => {}, end };
const login = { id: 'x', current: false, created_at: AT, last_used_at: AT, user_agent: 'Firefox' };
const invite = { invite_id: 'x', max_uses: 5, uses_left: 5, created_at: AT, expires_at: null };
const session = {
  account: {
    loaded: {
      logins: { ...listed, items: signal([login]) },
      admin: { loaded: { invites: { ...listed, items: signal([invite]) } } },
    },
  },
} as unknown as Session;
const app = { now: { minute: signal(new Date(AT)) } } as unknown as App;

describe.each([
  ['log-ins', Logins, 'Log out'],
  ['invitations', Invitations, 'End'],
] as const)('the page of %s', (_, Page, label) => {
  const button = () => root.querySelector<HTMLButtonElement>(`li [aria-label^="${label}"]`);
  // The form that makes an invitation has a line for errors, too, before this one.
  const said = (role: string) =>
    [...root.querySelectorAll(`[role=${role}].form-alert`)].at(-1)?.textContent;
  /** Presses the button so often before the page is drawn again, and waits for what came of it. */
  const press = async (times: number) => {
    await act(async () => {
      for (let time = 0; time < times; time += 1) button()?.click();
    });
    await vi.waitFor(() => expect(`${said('status')}${said('alert')}`).not.toBe(''));
  };

  beforeEach(() => {
    end.mockReset();
    const page = (
      <AppContext.Provider value={app}>
        <SessionContext.Provider value={session}>
          <Page />
        </SessionContext.Provider>
      </AppContext.Provider>
    );
    act(() => render(page, root));
  });

  test('ends one that is pressed twice before it is drawn again only once', async () => {
    end.mockResolvedValue();
    await press(2);
    expect(end).toHaveBeenCalledTimes(1);
    expect(said('alert')).toBe('');
    expect(document.activeElement).toBe(root.querySelector('ul'));
  });

  test('says why one was not ended, and tries again', async () => {
    end.mockRejectedValueOnce(new Problem({ status: 503, code: 'unavailable' }));
    await press(1);
    expect(said('alert')).not.toBe('');
    expect(said('status')).toBe('');
    expect(button()?.disabled).toBe(false);
    end.mockResolvedValue();
    await press(1);
    await vi.waitFor(() => expect(said('alert')).toBe(''));
    expect(said('status')).not.toBe('');
  });
});
