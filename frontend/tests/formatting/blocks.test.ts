import { expect, test } from 'vitest';
import { parse } from '../../src/formatting/blocks';
import { writtenBlocks } from './written';

const read = (text: string) => writtenBlocks(parse(text));

test.each([
  ['one\ntwo', '<p>one\ntwo</p>'],
  ['one\n\n\ntwo', '<p>one</p><p>two</p>'],
  ['  def f():\n      return x_y', '<p>  def f():\n      return x_y</p>'],
  ['# one\n---\n===\n    two', '<p># one\n---\n===\n    two</p>'],
  ['<b>\n\n</b>', '<p><b></p><p></b></p>'],
  ['* * *', '<p>* * *</p>'],
  ['-', '<p>-</p>'],
  ['-5 and +1', '<p>-5 and +1</p>'],
])('%j is made of paragraphs', (text, expected) => {
  expect(read(text)).toBe(expected);
});

test.each([
  ['```\na *b*\n\n```\nc', '<pre >a *b*\n</pre><p>c</p>'],
  ['```Python title\na\n```', '<pre python>a</pre>'],
  ['~~~c++\n```\n~~~', '<pre c++>```</pre>'],
  ['```\nnever closed', '<pre >never closed</pre>'],
  ['````\n```\n````', '<pre >```</pre>'],
  ['  ```\n    a\n  ```', '<pre >  a</pre>'],
  ['```a``` b', '<p><code>a</code> b</p>'],
  ['see:\n```\na\n```', '<p>see:</p><pre >a</pre>'],
  ['> ```\n> a\nb', '<quote><pre >a</pre></quote><p>b</p>'],
])('%j has code', (text, expected) => {
  expect(read(text)).toBe(expected);
});

test.each([
  ['> a\n> b\nmy answer', '<quote><p>a\nb</p></quote><p>my answer</p>'],
  ['> a\n>\n> b', '<quote><p>a</p><p>b</p></quote>'],
  ['>> a', '<quote><quote><p>a</p></quote></quote>'],
  ['>quoted', '<quote><p>quoted</p></quote>'],
  ['>:( >_< >.<', '<p>>:( >_< >.<</p>'],
  ['a > b', '<p>a > b</p>'],
])('%j quotes', (text, expected) => {
  expect(read(text)).toBe(expected);
});

test.each([
  ['- a\n- b', '<list><li -><p>a</p></li><li -><p>b</p></li></list>'],
  [
    '3. a\n3. b\n7) c',
    '<list><li 3><p>a</p></li><li 3><p>b</p></li></list><list><li 7><p>c</p></li></list>',
  ],
  [
    '- a\n  - b\n- c',
    '<list><li -><p>a</p><list><li -><p>b</p></li></list></li><li -><p>c</p></li></list>',
  ],
  ['1. a\n  - b', '<list><li 1><p>a</p><list><li -><p>b</p></li></list></li></list>'],
  ['- a\n\n- b\n\n  c', '<list><li -><p>a</p></li><li -><p>b</p><p>c</p></li></list>'],
  ['- a\nthanks', '<list><li -><p>a</p></li></list><p>thanks</p>'],
  ['- a\n* b', '<list><li -><p>a</p></li></list><list><li -><p>b</p></li></list>'],
  ['- ```\n  a\n  ```', '<list><li -><pre >a</pre></li></list>'],
  ['we met in\n1986. It rained', '<p>we met in\n1986. It rained</p>'],
  ['buy:\n1. milk', '<p>buy:</p><list><li 1><p>milk</p></li></list>'],
  ['\t- a\n\t\t- b', '<list><li -><p>a</p><list><li -><p>b</p></li></list></li></list>'],
])('%j lists', (text, expected) => {
  expect(read(text)).toBe(expected);
});

test.each([
  [
    '|a|b|\n|-|:-:|\n|*c*|',
    '<table ,center><tr><td>a</td><td>b</td></tr><tr><td><em>c</em></td></tr></table>',
  ],
  [
    'a | b\n--|--:\nc \\| d | e | f\nend',
    '<table ,end><tr><td>a</td><td>b</td></tr><tr><td>c | d</td><td>e</td></tr></table><p>end</p>',
  ],
  ['a | b\n--', '<p>a | b\n--</p>'],
  ['a | b\n-|-|-', '<p>a | b\n-|-|-</p>'],
  ['a || b\n-----', '<p>a || b\n-----</p>'],
])('%j: a table, or none', (text, expected) => {
  expect(read(text)).toBe(expected);
});

test('blocks are nested so far and no further, and nothing of the text is lost', () => {
  const html = read('> - '.repeat(20));
  expect(html.match(/<quote>/g)).toHaveLength(4);
  expect(html.match(/<list>/g)).toHaveLength(3);
  expect(read(`${'> '.repeat(20)}a`).replace(/<\/?quote>/g, '')).toBe(`<p>${'> '.repeat(13)}a</p>`);
});

test('a message of very many parts is shown as it was written', () => {
  const items = (count: number) => '- a\n'.repeat(count).trim();
  expect(read(items(190))).toContain('<li ->');
  expect(read(items(400))).toBe(`<p>${items(400)}</p>`);
});
