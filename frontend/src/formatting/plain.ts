/** What a message says, without its marks: for a line that quotes it. Pure. */

import type { Block, Inline } from './nodes';

/** The emoji of this name; null where there is none. */
export type Named = (name: string) => string | null;

export function plain(blocks: readonly Block[], named: Named): string {
  return blocks.map((block) => ofBlock(block, named)).join(' ');
}

function ofBlock(block: Block, named: Named): string {
  switch (block.kind) {
    case 'paragraph':
      return ofInlines(block.children, named);
    case 'code':
      return block.text;
    case 'quote':
      return plain(block.children, named);
    case 'list':
      return block.items
        .map(({ number, children }) => {
          const text = plain(children, named);
          return number === null ? text : `${number}. ${text}`;
        })
        .join(' ');
    case 'table':
      return [block.head, ...block.rows]
        .flatMap((row) => row.map((cell) => ofInlines(cell, named)))
        .join(' ');
  }
}

function ofInlines(nodes: readonly Inline[], named: Named): string {
  return nodes.map((node) => ofInline(node, named)).join('');
}

function ofInline(node: Inline, named: Named): string {
  if (typeof node === 'string') return node;
  switch (node.kind) {
    case 'code':
      return node.text;
    case 'name':
      return named(node.name) ?? `:${node.name}:`;
    case 'mention':
      return `@${node.name}`;
    default:
      return ofInlines(node.children, named);
  }
}
