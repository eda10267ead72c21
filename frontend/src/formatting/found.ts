/** Marks what was searched for in the nodes of a message. Pure. */

import type { Block, Inline } from './nodes';
import { type Span, spansOf } from './terms';

/** The same message with its terms marked, also where a mark such as `*` stands within one. */
export function withFound(blocks: readonly Block[], terms: readonly string[]): readonly Block[] {
  const texts = new Texts();
  texts.blocks(blocks);
  const spans = spansOf(texts.all, terms);
  return spans.length > 0 ? new Marker(spans).blocks(blocks) : blocks;
}

/** Goes through all texts of a message in their order. What is made of them takes their places. */
abstract class Walker {
  /** Returns what takes the place of a text. */
  abstract text(text: string): Inline[];
  /** What follows is not the same sentence. */
  abstract end(): void;

  blocks(blocks: readonly Block[]): readonly Block[] {
    return blocks.map((block) => {
      const walked = this.#block(block);
      this.end();
      return walked;
    });
  }

  #block(block: Block): Block {
    switch (block.kind) {
      case 'paragraph':
        return { ...block, children: this.#inlines(block.children) };
      case 'code': {
        const children = this.text(block.text);
        // Colours and marks would be in each other's way.
        return isSame(children, block.text)
          ? block
          : { kind: 'paragraph', children: [{ kind: 'sample', children }] };
      }
      case 'quote':
        return { ...block, children: this.blocks(block.children) };
      case 'list':
        return {
          ...block,
          items: block.items.map((item) => ({ ...item, children: this.blocks(item.children) })),
        };
      case 'table':
        return {
          ...block,
          head: this.#row(block.head),
          rows: block.rows.map((row) => this.#row(row)),
        };
    }
  }

  #row(row: readonly (readonly Inline[])[]): readonly (readonly Inline[])[] {
    return row.map((cell) => {
      const walked = this.#inlines(cell);
      this.end();
      return walked;
    });
  }

  #inlines(nodes: readonly Inline[]): readonly Inline[] {
    return nodes.flatMap((node) => this.#inline(node));
  }

  #inline(node: Inline): Inline[] {
    if (typeof node === 'string') return this.text(node);
    switch (node.kind) {
      case 'code': {
        const children = this.text(node.text);
        return [isSame(children, node.text) ? node : { kind: 'sample', children }];
      }
      case 'name':
      case 'mention':
        return this.#whole(node);
      default:
        return [{ ...node, children: this.#inlines(node.children) }];
    }
  }

  /** A node whose text is made when it is drawn is marked as a whole. */
  #whole(node: Extract<Inline, { name: string }>): Inline[] {
    const parts = this.text(` ${node.name} `);
    const isFound = parts.some((part) => typeof part !== 'string');
    return [isFound ? { kind: 'found', children: [node] } : node];
  }
}

class Texts extends Walker {
  all = '';

  text(text: string): Inline[] {
    this.all += text;
    return [text];
  }

  end(): void {
    this.all += '\n';
  }
}

class Marker extends Walker {
  readonly #spans: readonly Span[];
  #at = 0;

  constructor(spans: readonly Span[]) {
    super();
    this.#spans = spans;
  }

  text(text: string): Inline[] {
    const begun = this.#at;
    this.#at += text.length;
    const parts: Inline[] = [];
    let done = 0;
    for (const [from, to] of this.#spans) {
      const [first, last] = [Math.max(from - begun, done), Math.min(to - begun, text.length)];
      if (first >= last) continue;
      if (first > done) parts.push(text.slice(done, first));
      parts.push({ kind: 'found', children: [text.slice(first, last)] });
      done = last;
    }
    if (done < text.length) parts.push(text.slice(done));
    return parts;
  }

  end(): void {
    this.#at += 1;
  }
}

function isSame(children: readonly Inline[], text: string): boolean {
  return children.length === 1 && children[0] === text;
}
