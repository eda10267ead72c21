import { expect, test } from 'vitest';
import { parse } from '../../src/formatting/blocks';
import { isFewEmoji, mayHoldMarkup } from '../../src/formatting/markup';
import type { Block, Inline } from '../../src/formatting/nodes';
import { HOSTILE_BODIES } from '../browser/hostile';

/** How many nodes are below these, and how deep they go. */
function size(nodes: readonly (Block | Inline)[]): { count: number; depth: number } {
  const sizes = nodes.map((node) => {
    if (typeof node === 'string') return { count: 1, depth: 1 };
    if (node.kind === 'list') return size(node.items.flatMap(({ children }) => children));
    if (node.kind === 'table') return size([node.head, ...node.rows].flat(2));
    return 'children' in node ? size(node.children) : { count: 1, depth: 1 };
  });
  return {
    count: sizes.reduce((sum, { count }) => sum + count, nodes.length),
    depth: 1 + Math.max(0, ...sizes.map(({ depth }) => depth)),
  };
}

// The bound is far above what each takes, and far below what going back over a body takes. The
// shortest of several tries counts, because other programs may take the processor meanwhile.
test.each(HOSTILE_BODIES)('a body of $name costs no time', ({ body }) => {
  let shortest = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 8 && shortest > 25; tries++) {
    const start = performance.now();
    parse(body);
    mayHoldMarkup(body);
    isFewEmoji(body);
    shortest = Math.min(shortest, performance.now() - start);
  }
  expect(shortest).toBeLessThan(50);
  const { count, depth } = size(parse(body));
  expect(count).toBeLessThan(2_000);
  expect(depth).toBeLessThan(30);
});
