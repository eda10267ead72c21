import { signal } from '@preact/signals';
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { Problem } from 'tailwire-client/wire/problem';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { App } from '../../src/app';
import type { Session } from '../../src/session';
import { Logins } from '../../src/views/account/Logins';
import { Invitations } from '../../src/views/admin/Invitations';
import { AppContext, SessionContext } from '../../src/views/parts/context';
import { ErrorLine } from '../../src/views/parts/Outcome';
import { WorkButton } from '../../src/views/parts/WorkButton';
import { useWork } from '../../src/views/parts/work';
import { AT } from '../make';
import { root } from './stage';

const end = vi.fn<(id: string) => Promise<void>>();
const listed = {
  ...{ state: signal('loaded'), error: signal(''), hasMore: signal(false) },
  ...{ load: async () => {}, end },
};
const items = signal<readonly unknown[]>([]);
const login = { id: 'x', current: false, created_at: AT, last_used_at: AT, user_agent: 'Firefox' };
const invite = { invite_id: 'x', max_uses: 5, uses_left: 5, created_at: AT, expires_at: null };
const session = {
  account: {
    loaded: {
      logins: { ...listed, items },
      admin: { loaded: { invites: { ...listed, items } } },
    },
  },
} as unknown as Session;
const app = { now: { minute: signal(new Date(AT)) } } as unknown as App;

describe.each([
  ['log-ins', Logins, 'Log out', login],
  ['invitations', Invitations, 'End', invite],
] as const)('the page of %s', (_, Page, label, item) => {
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
    items.value = [item];
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
    end.mockImplementation(async () => {
      items.value = [];
    });
    button()?.focus();
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
    expect(button()?.getAttribute('aria-disabled')).toBe('false');
    end.mockResolvedValue();
    await press(1);
    await vi.waitFor(() => expect(said('alert')).toBe(''));
    expect(said('status')).not.toBe('');
  });
});

describe('work that two buttons start', () => {
  const ends: ((error?: unknown) => void)[] = [];
  const begun: string[] = [];
  const work = (name: string) =>
    new Promise<void>((resolve, reject) => {
      begun.push(name);
      ends.push((error) => (error ? reject(error) : resolve()));
    });
  const Both = () => {
    const { error, done, run } = useWork();
    return (
      <>
        {['one', 'two'].map((name) => (
          <WorkButton key={name} class={name} onPress={() => run(() => work(name), name)}>
            {name}
          </WorkButton>
        ))}
        <ErrorLine text={error} />
        <output>{done}</output>
      </>
    );
  };
  const button = (name: string) => root.querySelector<HTMLButtonElement>(`.${name}`);
  const press = (name: string) => act(async () => button(name)?.click());
  const settle = (error?: unknown) => act(async () => ends.shift()?.(error));
  const isBusy = (name: string) => button(name)?.getAttribute('aria-busy');

  beforeEach(() => {
    ends.length = 0;
    begun.length = 0;
    act(() => render(<Both />, root));
  });

  test('is done one after the other, and no press is lost', async () => {
    await press('one');
    await press('two');
    await press('two');
    expect(begun).toEqual(['one']);
    expect([isBusy('one'), isBusy('two')]).toEqual(['true', 'true']);
    await settle();
    await vi.waitFor(() => expect(begun).toEqual(['one', 'two']));
    expect([isBusy('one'), isBusy('two')]).toEqual(['false', 'true']);
    await settle();
    await vi.waitFor(() => expect(isBusy('two')).toBe('false'));
    expect(root.querySelector('output')?.textContent).toBe('two');
  });

  test('tells a failure also when the work after it is done', async () => {
    await press('one');
    await press('two');
    await settle(new Problem({ status: 503, code: 'unavailable' }));
    const said = () => root.querySelector('.form-error')?.textContent ?? '';
    await vi.waitFor(() => expect(said()).not.toBe(''));
    await settle();
    await vi.waitFor(() => expect(root.querySelector('output')?.textContent).toBe('two'));
    expect(said()).not.toBe('');
    await press('one');
    expect(said()).toBe('');
  });
});
