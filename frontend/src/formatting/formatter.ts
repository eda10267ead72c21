/** Reads the markup of messages, each text once. It is loaded with the first message that has any. */

import { parse } from './blocks';
import type { Block } from './nodes';
import { type Named, plain } from './plain';

// More than a timeline has in the document, so that no row is read again that is drawn again.
const MOST_KEPT = 600;

export class Formatter {
  /** The newest last. */
  readonly #kept = new Map<string, readonly Block[]>();

  blocks(text: string): readonly Block[] {
    const known = this.#kept.get(text);
    this.#kept.delete(text);
    const blocks = known ?? parse(text);
    this.#kept.set(text, blocks);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return blocks;
  }

  /** The text without its marks. */
  plain(text: string, named: Named): string {
    return plain(this.blocks(text), named);
  }
}
