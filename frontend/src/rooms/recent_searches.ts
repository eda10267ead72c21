import { computed } from '@preact/signals';
import type { Drafts } from './drafts';

const MOST = 8;
// No room and no thread has a draft of this name.
const NAME = 'recent searches';

/**
 * What the user searched for last, newest first. It is kept as a draft is: on this machine, for all tabs, until log-out.
 */
export class RecentSearches {
  readonly list = computed(() => linesOf(this.#drafts.get(NAME)));
  readonly #drafts: Drafts;

  constructor(drafts: Drafts) {
    this.#drafts = drafts;
  }

  searched(query: string): void {
    const others = linesOf(this.#drafts.peek(NAME)).filter((one) => one !== query);
    this.#drafts.set(NAME, [query, ...others].slice(0, MOST).join('\n'));
  }
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter(Boolean);
}
