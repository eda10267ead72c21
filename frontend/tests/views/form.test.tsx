import { signal } from '@preact/signals';
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { Problem } from 'tailwire-client/wire/problem';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { App } from '../../src/app';
import { AuthScreen } from '../../src/views/account/AuthScreen';
import { Choices } from '../../src/views/parts/Choices';
import { AppContext } from '../../src/views/parts/context';
import { Field } from '../../src/views/parts/Field';
import { FormCard } from '../../src/views/parts/FormCard';
import { useForm } from '../../src/views/parts/form';
import { root } from './stage';

describe('a form', () => {
  const login = vi.fn<(username: string, password: string) => Promise<void>>();
  const signup = vi.fn<() => Promise<void>>();
  const open = (name: 'home' | 'signup') => {
    const app = {
      about: { server: signal({ name: 'Tailwire', signup: 'open' }), load: async () => {} },
      auth: { state: signal({ phase: 'signed_out', notice: null }), login, signup },
      router: { route: signal({ name }), replace: () => {} },
      theme: { choice: signal('light') },
      keeping: signal('kept'),
    } as unknown as App;
    const screen = (
      <AppContext.Provider value={app}>
        <AuthScreen />
      </AppContext.Provider>
    );
    act(() => render(screen, root));
  };
  const input = (name: string) => root.querySelector<HTMLInputElement>(`[name=${name}]`);
  const fill = (name: string, value: string) =>
    act(() => {
      const field = input(name);
      if (field) field.value = value;
      field?.dispatchEvent(new Event('input', { bubbles: true }));
    });
  const submit = () => act(async () => root.querySelector('form')?.requestSubmit());
  const errors = () =>
    [...root.querySelectorAll('.field-error')].map(({ textContent }) => textContent);

  beforeEach(() => {
    login.mockReset();
    signup.mockReset();
  });

  test('that is empty says so at its fields, goes to the first, and sends nothing', async () => {
    open('home');
    expect(root.querySelector('[type=submit]')?.getAttribute('aria-disabled')).toBe('false');
    await submit();
    expect(errors()).toEqual(['Enter your username.', 'Enter your password.']);
    expect(document.activeElement).toBe(input('username'));
    expect(login).not.toHaveBeenCalled();
    fill('username', 'alice');
    expect(errors()).toEqual(['Enter your password.']);
    await submit();
    expect(document.activeElement).toBe(input('password'));
  });

  test('that is right is sent, and says what the server says', async () => {
    login.mockRejectedValue(new Problem({ status: 401, code: 'invalid_credentials' }));
    open('home');
    fill('username', ' alice ');
    fill('password', 'secret');
    await submit();
    expect(login).toHaveBeenCalledWith('alice', 'secret');
    expect(errors()).toEqual([]);
    expect(root.querySelector('[role=alert]')?.textContent).toContain('not right');
  });

  test('for an account tells the rules that were broken', async () => {
    open('signup');
    fill('username', '_x');
    fill('password', 'short');
    await submit();
    expect(errors()).toEqual([
      expect.stringContaining('Begin with a letter'),
      'Use at least 8 characters.',
    ]);
    expect(signup).not.toHaveBeenCalled();
  });

  test('sends what a password manager wrote into its fields, with and without an event', async () => {
    login.mockResolvedValue();
    open('home');
    const [username, password] = [input('username'), input('password')];
    if (!username || !password) throw new Error('no fields');
    username.value = 'alice';
    password.value = 'a secret';
    await submit();
    expect(login).toHaveBeenLastCalledWith('alice', 'a secret');
    // Another account is chosen: its events come in the same tick as the submit.
    await act(async () => {
      password.value = 'another';
      password.dispatchEvent(new Event('input', { bubbles: true }));
      root.querySelector('form')?.requestSubmit();
    });
    expect(login).toHaveBeenLastCalledWith('alice', 'another');
  });

  test('that is submitted again before it was drawn again is sent once', async () => {
    let finish = () => {};
    login.mockReturnValue(
      new Promise((resolve) => {
        finish = resolve;
      }),
    );
    open('home');
    fill('username', 'alice');
    fill('password', 'secret');
    await act(async () => {
      for (let time = 0; time < 10; time++) root.querySelector('form')?.requestSubmit();
    });
    expect(login).toHaveBeenCalledOnce();
    await act(async () => finish());
    await submit();
    expect(login).toHaveBeenCalledTimes(2);
  });
});

test('500 forms that are filled and submitted in one tick send what each of them holds', async () => {
  const sent: string[] = [];
  const Form = () => {
    const form = useForm({
      names: ['text', 'choice'],
      send: async ({ text, choice }) => void sent.push(`${text} ${choice}`),
    });
    return (
      <FormCard form={form} send="Send" sending="Sending">
        <Field label="Text" {...form.field('text')} initial="old" />
        <Choices
          legend="Choice"
          {...form.field('choice')}
          initial="a"
          options={['a', 'b'].map((value) => ({ value, title: value, detail: '' }))}
        />
      </FormCard>
    );
  };
  const numbers = Array.from({ length: 500 }, (_, number) => number);
  act(() =>
    render(
      numbers.map((number) => <Form key={number} />),
      root,
    ),
  );
  const values = numbers.map((number) => `text ${number} ${number % 2 ? 'a' : 'b'}`);
  await act(async () => {
    root.querySelectorAll('form').forEach((form, number) => {
      const [text, a, b] = form.querySelectorAll('input');
      if (!text || !a || !b) throw new Error('no fields');
      text.value = `text ${number}`;
      (number % 2 ? a : b).checked = true;
      // A password manager may or may not tell of what it wrote.
      if (number % 3) text.dispatchEvent(new Event('input', { bubbles: true }));
      form.requestSubmit();
    });
  });
  expect(sent).toEqual(values);
}, 60_000);
