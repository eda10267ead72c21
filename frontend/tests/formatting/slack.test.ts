/**
 * The server makes Markdown of messages in Slack's shape, and the page reads it: texts must stay what they are.
 * TAILWIRE_SLACK_CASES names a file of cases that the server's side made; without it only the one below is tried.
 */
import { readFileSync } from 'node:fs';
import { env } from 'node:process';
import { expect, test } from 'vitest';
import { parse } from '../../src/formatting/blocks';
import type { Block, Inline } from '../../src/formatting/nodes';
import { plain } from '../../src/formatting/plain';

interface SlackCase {
  markdown: string;
  /** The texts that were sent: as a header, a section, the title of an attachment with a link, and code. */
  header: string;
  plain: string;
  title: string;
  link: string;
  code: string;
}

const CASE: SlackCase = {
  markdown: '**a \\* b**\n\nc\n\n`d`\n\n> **[e](https://a.example/b)**\n> ```\n> d|\n> ```',
  header: 'a * b',
  plain: 'c',
  title: 'e',
  link: 'https://a.example/b',
  code: 'd',
};

const path = env.TAILWIRE_SLACK_CASES;
const cases: SlackCase[] = path ? JSON.parse(readFileSync(path, 'utf8')) : [CASE];

const said = (blocks: readonly Block[]) => plain(blocks, () => null).replaceAll('\u2060', '');
const words = (text: string) => text.split(/\s+/).filter(Boolean).join(' ');

function only(nodes: readonly Inline[]): Inline {
  expect(nodes).toHaveLength(1);
  return nodes[0] ?? '';
}

test.each(cases)('texts in $markdown mean themselves', (one) => {
  const blocks = parse(one.markdown);
  expect(blocks.map(({ kind }) => kind)).toEqual(['paragraph', 'paragraph', 'paragraph', 'quote']);
  const [header, section, code, quote] = blocks;
  if (header?.kind !== 'paragraph' || section?.kind !== 'paragraph')
    throw new Error('no paragraph');
  expect(only(header.children)).toMatchObject({ kind: 'strong' });
  expect(words(said([header]))).toBe(words(one.header));
  const marked = section.children.filter(
    (node) => typeof node !== 'string' && node.kind !== 'name' && node.kind !== 'mention',
  );
  expect(marked).toEqual([]);
  expect(words(said([section]))).toBe(words(one.plain));
  if (code?.kind !== 'paragraph' || quote?.kind !== 'quote') throw new Error('no code');
  expect(words(said([code]))).toBe(words(one.code));
  const [title, block] = quote.children;
  if (title?.kind !== 'paragraph') throw new Error('no title');
  const strong = only(title.children);
  if (typeof strong === 'string' || strong.kind !== 'strong') throw new Error('no strong title');
  expect(only(strong.children)).toMatchObject({ kind: 'link', href: one.link });
  expect(words(said([title]))).toBe(words(one.title));
  expect(block).toMatchObject({ kind: 'code' });
  expect(quote.children).toHaveLength(2);
});
