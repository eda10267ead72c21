/**
 * What a message may be made of, and nothing else. A message is read into these nodes and drawn
 * from them, so no text of a user is ever HTML. What has no node here is shown as it was written.
 */

export type Inline =
  | string
  | { kind: 'emphasis' | 'strong' | 'struck'; children: readonly Inline[] }
  | { kind: 'code'; text: string }
  /** The address is one of http, https or mailto, and has no user name. */
  | { kind: 'link'; href: string; children: readonly Inline[] }
  /** A name between colons, which may be one of an emoji. */
  | { kind: 'name'; name: string }
  /** `@` and a name, which may be one of a member. */
  | { kind: 'mention'; name: string }
  /** What somebody searched for, and code in which it is. Only `withFound` makes them. */
  | { kind: 'found' | 'sample'; children: readonly Inline[] };

export type Block =
  | { kind: 'paragraph'; children: readonly Inline[] }
  | { kind: 'code'; language: string; text: string }
  | { kind: 'quote'; children: readonly Block[] }
  /** The numbers are those that were written; null in a list of bullets. */
  | { kind: 'list'; items: readonly { number: number | null; children: readonly Block[] }[] }
  | { kind: 'table'; columns: readonly Align[]; head: Row; rows: readonly Row[] };

export type Align = 'start' | 'center' | 'end' | null;

/** The cells of a row. There may be fewer than there are columns. */
export type Row = readonly (readonly Inline[])[];

/** How many elements a page needs for these nodes, roughly. Text costs next to nothing. */
export function weightOf(nodes: readonly (Block | Inline)[]): number {
  return nodes.reduce((sum, node) => sum + weight(node), 0);
}

// A block of code has a button with a picture.
const CODE_WEIGHT = 6;

function weight(node: Block | Inline): number {
  if (typeof node === 'string') return 0;
  switch (node.kind) {
    case 'code':
      return 'language' in node ? CODE_WEIGHT : 1;
    case 'list':
      return node.items.reduce((sum, { children }) => sum + 1 + weightOf(children), 1);
    case 'table':
      return [node.head, ...node.rows].reduce(
        (sum, row) => sum + 1 + row.length + weightOf(row.flat()),
        1,
      );
    default:
      return 1 + ('children' in node ? weightOf(node.children) : 0);
  }
}
