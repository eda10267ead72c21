/** All emoji with their names. The table is large, so this file is loaded when it is needed. */

import table from 'virtual:emoji';

export interface Emoji {
  readonly emoji: string;
  /** What stands between colons: `smile` of `:smile:`. The first one is shown. */
  readonly names: readonly string[];
  /** The words by which it is found, in lower case. */
  readonly words: readonly string[];
}

export interface EmojiGroup {
  readonly title: string;
  readonly items: readonly Emoji[];
}

const MOST_FOUND = 96;

export class Catalogue {
  readonly groups: readonly EmojiGroup[];
  readonly #byName = new Map<string, string>();
  readonly #byEmoji = new Map<string, Emoji>();

  constructor() {
    this.groups = table.map(({ title, rows }) => ({ title, items: rows.map(parsed) }));
    for (const { items } of this.groups)
      for (const one of items) {
        this.#byEmoji.set(one.emoji, one);
        for (const name of one.names) this.#byName.set(name, one.emoji);
      }
  }

  /** The emoji with this name, null if there is none. */
  named(name: string): string | null {
    return this.#byName.get(name) ?? null;
  }

  /** What is known of an emoji that is in the catalogue in this form. */
  of(emoji: string): Emoji | null {
    return this.#byEmoji.get(emoji) ?? null;
  }

  /** The emoji of which each word of `text` begins a word. Those with such a name come first. */
  search(text: string): readonly Emoji[] {
    const wanted = text
      .toLowerCase()
      .split(/[\s:_]+/)
      .filter(Boolean);
    const begins = text.trim().toLowerCase().replace(/^:/, '').replace(/\s+/g, '_');
    const found = [...this.#byEmoji.values()].filter(({ words }) =>
      wanted.every((part) => words.some((word) => word.startsWith(part))),
    );
    const rank = ({ names }: Emoji) => {
      if (names.includes(begins)) return 0;
      // The first name is the one that is shown.
      if (names[0]?.startsWith(begins)) return 1;
      return names.some((name) => name.startsWith(begins)) ? 2 : 3;
    };
    return found.sort((one, other) => rank(one) - rank(other)).slice(0, MOST_FOUND);
  }
}

/** Reads a row of the table: the emoji, its names, and more words, with blanks between them. */
function parsed(row: string): Emoji {
  const [emoji = '', names = '', more = ''] = row.split('\t');
  const list = names.split(' ');
  const words = new Set([...list, ...list.flatMap((name) => name.split('_')), ...more.split(' ')]);
  return { emoji, names: list, words: [...words] };
}
