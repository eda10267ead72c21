import { render } from 'preact';
import { act } from 'preact/test-utils';
import { expect, test } from 'vitest';
import { AppContext } from '../../src/views/parts/context';
import { Excerpt } from '../../src/views/timeline/Excerpt';
import { settled } from '../doubles/manual_clock';
import { messageParts } from '../doubles/parts';
import attacks from '../formatting/attacks.json';
import { root } from './stage';

const parts = messageParts();

async function shown(text: string) {
  const view = (
    <AppContext.Provider value={parts}>
      <Excerpt text={text} />
    </AppContext.Provider>
  );
  await act(async () => render(view, root));
  for (let turn = 0; turn < 2; turn++) await act(settled);
  return root.textContent;
}

test.each([
  ['**bold** and *soft*, ~~gone~~', 'bold and soft, gone'],
  ['run `rm -rf *` now', 'run rm -rf * now'],
  ['```js\nlet a = `**b**`;\n\tgo()\n```', 'let a = `**b**`; go()'],
  ['> quoted\n\nanswer', 'quoted answer'],
  ['- one\n- two\n\n3. three', 'one two 3. three'],
  ['| a | b |\n|---|---|\n| **c** | d |', 'a b c d'],
  ['see [the plan](https://a.example/x)', 'see the plan'],
  ['https://a.example/x_y_z is `it`', 'https://a.example/x_y_z is it'],
  ['well done :tada: :no_such_one:', 'well done 🎉 :no_such_one:'],
  ['@bob *look*', '@bob look'],
  ['snake_case_name and 2 * 3 * 4', 'snake_case_name and 2 * 3 * 4'],
  ['two\n\n  lines', 'two lines'],
])('%j is quoted as %j', async (text, expected) => {
  expect(await shown(text)).toBe(expected);
});

test('a long text is cut, but no character in two', async () => {
  expect(await shown(`${'a'.repeat(199)}🎉 and more`)).toBe('a'.repeat(199));
});

test('whatever is written, an excerpt is text', async () => {
  await shown('*loaded*');
  for (const place of attacks.places)
    for (const payload of attacks.payloads) {
      await act(async () => {
        const text = place.replaceAll('{0}', payload);
        const view = (
          <AppContext.Provider value={parts}>
            <Excerpt text={text} />
          </AppContext.Provider>
        );
        render(view, root);
      });
      expect(root.children).toHaveLength(0);
    }
});
