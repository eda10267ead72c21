import { type Node, Parser } from 'commonmark';
import { describe, expect, test } from 'vitest';
import { parseInlines } from '../../src/formatting/inlines';
import { written } from './written';

const read = (text: string) => written(parseInlines(text));

test.each([
  ['*a* and _b_', '<em>a</em> and <em>b</em>'],
  ['**a** and __b__', '<strong>a</strong> and <strong>b</strong>'],
  ['***a***', '<em><strong>a</strong></em>'],
  ['~~a~~ but ~b~ and ~~~c~~~', '<del>a</del> but ~b~ and ~~~c~~~'],
  ['2 * 3 * 4', '2 * 3 * 4'],
  ['snake_case_name and __init__.py', 'snake_case_name and <strong>init</strong>.py'],
  ['*open', '*open'],
  ['**open*', '*<em>open</em>'],
  ['`a*b*` and ``a`b``', '<code>a*b*</code> and <code>a`b</code>'],
  ['`open', '`open'],
  ['` padded `', '<code>padded</code>'],
  ['`<b>`x', '<code><b></code>x'],
  ['\\*a\\* \\`b\\` \\:c:', '*a* `b` :c:'],
  ['C:\\Users\\new \\d+ \\\\host\\share', 'C:\\Users\\new \\d+ \\\\host\\share'],
  ['one\n  two\n\ttabs', 'one\n  two\n\ttabs'],
  ['**「重要」**です', '<strong>「重要」</strong>です'],
  ['**مهم** جدا', '<strong>مهم</strong> جدا'],
  ['&lt;b&gt; &amp; &#106;', '&lt;b&gt; &amp; &#106;'],
])('%j is read as it is meant', (text, expected) => {
  expect(read(text)).toBe(expected);
});

describe('links', () => {
  test.each([
    ['see https://a.example/x_y_z.', 'see <a https://a.example/x_y_z>https://a.example/x_y_z</a>.'],
    ['**https://a.example/x**', '<strong><a https://a.example/x>https://a.example/x</a></strong>'],
    ['https://a.example/*b*', '<a https://a.example/*b>https://a.example/*b</a>*'],
    ['<https://a.example/>', '<a https://a.example/>https://a.example/</a>'],
    ['[*the* docs](https://a.example/d)', '<a https://a.example/d><em>the</em> docs</a>'],
    ['[docs](<https://a.example/d>)', '<a https://a.example/d>docs</a>'],
    ['[docs](https://a.example/d_(e))', '<a https://a.example/d_(e)>docs</a>'],
    ['[write](mailto:a@b.example)', '<a mailto:a@b.example>write</a>'],
    ['![cat](https://a.example/c.png)', '<a https://a.example/c.png>cat</a>'],
    ['![](https://a.example/c.png)', '<a https://a.example/c.png>https://a.example/c.png</a>'],
    ['[https://a.example/](https://a.example/)', '<a https://a.example/>https://a.example/</a>'],
    [
      '[a [b](https://b.example/) c](mailto:d@c.example)',
      '[a <a https://b.example/>b</a> c](mailto:d@c.example)',
    ],
    ['*[a*](https://b.example/)', '*<a https://b.example/>a*</a>'],
    ['`[a`](mailto:d@c.example)', '<code>[a</code>](mailto:d@c.example)'],
  ])('%j are such', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test.each([
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](&#106;avascript:alert(1))',
    '[x](data:text/html,y)',
    '[x](vbscript:y)',
    '[x](//evil.example/)',
    '[x](/relative)',
    '[x](https://bank.example@evil.example/)',
    '[x](mailto:a@b.example?body=y)',
    '![x](javascript:y)',
    '<javascript:alert(1)>',
    '[x]: javascript:alert(1)',
    '[x][y]',
    '[x]()',
    '[x](https:)',
  ])('%j is none', (text) => {
    expect(read(text)).toBe(text);
  });

  test('that would lead elsewhere than they say are shown as they were written', () => {
    const text = '[https://bank.example/](https://evil.example/)';
    expect(read(text).replace(/<[^>]*>/g, '')).toBe(text);
    expect(read(text)).toContain('<a https://evil.example/>https://evil.example/</a>');
  });
});

test.each([
  [':smile: :+1: :100:', ['smile', '+1', '100']],
  ['at 10:30:45 or a::b', []],
  ['`:smile:` https://a.example/:smile:', []],
  [':thumbs_up: and :thumbs_down:', ['thumbs_up', 'thumbs_down']],
])('%s names emoji', (text, names) => {
  const nodes = parseInlines(text).filter((one) => typeof one === 'object');
  expect(nodes.flatMap((one) => (one.kind === 'name' ? one.name : []))).toEqual(names);
});

test.each([
  ['@alice, @bob_b.', ['alice', 'bob_b']],
  ['(@_x_) @ a@b', []],
  ['@b@c', ['b']],
  ['@zoë-2 `@code`', ['zoë-2']],
])('%s mentions', (text, names) => {
  const nodes = parseInlines(text).filter((one) => typeof one === 'object');
  expect(nodes.flatMap((one) => (one.kind === 'mention' ? one.name : []))).toEqual(names);
});

test('emphasis is nested so far and no further, and nothing of the text is lost', () => {
  const text = `${'*a '.repeat(600)}${' b*'.repeat(600)}`;
  const html = read(text);
  expect(html.match(/^(?:\*a )*(?:<em>a )*/)?.[0].match(/<em>/g)).toHaveLength(8);
  expect(html.replace(/<\/?em>/g, '*')).toBe(text);
});

describe('CommonMark', () => {
  const tags: Record<string, string> = { emph: 'em', strong: 'strong' };
  /** Writes a paragraph as CommonMark's own implementation reads it. */
  const reference = (node: Node): string => {
    let html = '';
    for (let child = node.firstChild; child; child = child.next) {
      const tag = tags[child.type];
      if (child.type === 'code') html += `<code>${child.literal}</code>`;
      else
        html += tag ? `<${tag}>${reference(child)}</${tag}>` : (child.literal ?? reference(child));
    }
    return html;
  };

  // A generator of its own, so that each run tries the same texts.
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const MARKS = ['*', '**', '_', '__', '***', '___', '****', '`', '``'];
  const BETWEEN = ['a', 'b ', ' c', ' d ', '.', '(', '. ', ' (', ' ', 'é'];
  const texts = Array.from({ length: 3_000 }, () => {
    const parts = Array.from({ length: 2 + random(9) }, () => [
      MARKS[random(MARKS.length)],
      BETWEEN[random(BETWEEN.length)],
    ]);
    return `${['x', 'x '][random(2)]}${parts.flat().join('')}`.trim();
  });

  test('agrees about emphasis and code in 3,000 random texts', () => {
    const differing = texts.filter((text) => read(text) !== reference(new Parser().parse(text)));
    expect(
      differing.map((text) => [text, read(text), reference(new Parser().parse(text))]),
    ).toEqual([]);
  });
});
