import { render } from 'preact';
import { act } from 'preact/test-utils';
import { expect, test, vi } from 'vitest';
import { AppContext } from '../../src/views/parts/context';
import { Dialog } from '../../src/views/parts/Dialog';
import { LazyDialog } from '../../src/views/parts/LazyDialog';
import { messageParts } from '../doubles/parts';
import { root } from './stage';

function Named() {
  return (
    <Dialog title="Name" onClose={() => {}}>
      <form>
        <input name="name" />
      </form>
    </Dialog>
  );
}

test('what is typed while a dialog is loaded is in its field when it is there', async () => {
  let arrive: (part: { Named: typeof Named }) => void = () => {};
  const load = () =>
    new Promise<{ Named: typeof Named }>((resolve) => {
      arrive = resolve;
    });
  act(() =>
    render(
      <AppContext.Provider value={messageParts()}>
        <LazyDialog
          open
          title="Name"
          load={load}
          show={({ Named }) => <Named />}
          onClose={() => {}}
        />
      </AppContext.Provider>,
      root,
    ),
  );
  await Promise.resolve(); // it begins to load
  expect(root.querySelector('[role=status]')?.textContent).toBe('Loading…');
  for (const key of ['N', 'x', 'Backspace', 'e', 'w', 'Shift'])
    document.dispatchEvent(new KeyboardEvent('keydown', { key }));
  await act(async () => arrive({ Named }));
  await vi.waitFor(() => expect(root.querySelector('input')?.value).toBe('New'));
});
