import { expect, test } from 'vitest';
import { parse } from '../../src/formatting/blocks';
import { withFound } from '../../src/formatting/found';
import { writtenBlocks } from './written';

function marked(text: string, ...terms: string[]): string {
  return writtenBlocks(withFound(parse(text), terms));
}

test('what is found is marked, and nothing else changes', () => {
  expect(marked('green tea', 'tea')).toBe('<p>green <mark>tea</mark></p>');
  expect(marked('**green** tea', 'milk')).toBe('<p><strong>green</strong> tea</p>');
  expect(marked('> tea', 'tea')).toBe('<quote><p><mark>tea</mark></p></quote>');
  expect(marked('1. tea\n2. milk', 'milk')).toContain('<mark>milk</mark>');
  expect(marked('|a|b|\n|-|-|\n|tea|x|', 'tea')).toContain('<mark>tea</mark>');
});

test('a phrase is found across the marks within it, and from line to line', () => {
  expect(marked('**green** tea', 'green tea')).toBe(
    '<p><strong><mark>green</mark></strong><mark> tea</mark></p>',
  );
  expect(marked('green\n\ntea', 'green tea')).toBe(
    '<p><mark>green</mark></p><p><mark>tea</mark></p>',
  );
});

test('a term is found in code, in the label of a link and in a name', () => {
  expect(marked('see `the tea` here', 'tea')).toBe(
    '<p>see <code>the <mark>tea</mark></code> here</p>',
  );
  expect(marked('```js\nlet tea\n```', 'tea')).toBe('<p><code>let <mark>tea</mark></code></p>');
  expect(marked('```js\nlet tea\n```', 'milk')).toBe('<pre js>let tea</pre>');
  expect(marked('[tea](https://a.example/)', 'tea')).toContain('<mark>tea</mark></a>');
  expect(marked('ask @ann now', 'ann')).toBe('<p>ask <mark>@ann</mark> now</p>');
  expect(marked('a :tada: now', 'now')).toBe('<p>a :tada: <mark>now</mark></p>');
});
