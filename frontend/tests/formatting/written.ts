import type { Block, Inline } from '../../src/formatting/nodes';

/** Writes nodes as text with tags, so that tests can compare them. Never used by the page. */
export function written(nodes: readonly Inline[]): string {
  return nodes.map(inline).join('');
}

export function writtenBlocks(blocks: readonly Block[]): string {
  return blocks.map(block).join('');
}

const TAGS = { emphasis: 'em', strong: 'strong', struck: 'del', found: 'mark', sample: 'code' };

function inline(node: Inline): string {
  if (typeof node === 'string') return node;
  switch (node.kind) {
    case 'code':
      return `<code>${node.text}</code>`;
    case 'link':
      return `<a ${node.href}>${written(node.children)}</a>`;
    case 'name':
      return `:${node.name}:`;
    case 'mention':
      return `@${node.name}`;
    default:
      return `<${TAGS[node.kind]}>${written(node.children)}</${TAGS[node.kind]}>`;
  }
}

function block(node: Block): string {
  switch (node.kind) {
    case 'paragraph':
      return `<p>${written(node.children)}</p>`;
    case 'code':
      return `<pre ${node.language}>${node.text}</pre>`;
    case 'quote':
      return `<quote>${writtenBlocks(node.children)}</quote>`;
    case 'list':
      return `<list>${node.items
        .map(({ number, children }) => `<li ${number ?? '-'}>${writtenBlocks(children)}</li>`)
        .join('')}</list>`;
    case 'table':
      return `<table ${node.columns.join(',')}>${[node.head, ...node.rows]
        .map((row) => `<tr>${row.map((cell) => `<td>${written(cell)}</td>`).join('')}</tr>`)
        .join('')}</table>`;
  }
}
