import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

const MODULE = 'virtual:emoji';
// Words by which an emoji is found, beside its names and its label. More would double the table.
const MOST_TAGS = 4;

/** The groups of Unicode in their order, as the picker calls them. Group 2 holds parts of emoji. */
const TITLES: Record<number, string> = {
  0: 'Smileys',
  1: 'People',
  3: 'Nature',
  4: 'Food',
  5: 'Travel',
  6: 'Activities',
  7: 'Objects',
  8: 'Symbols',
  9: 'Flags',
};

interface Emoji {
  unicode: string;
  hexcode: string;
  label: string;
  group?: number;
  tags?: string[];
}

type Names = Record<string, string | string[]>;

/** Cuts `emojibase-data` down to what the picker and `:smile:` need: a row for each emoji. */
export function emojiTable(): Plugin {
  return {
    name: 'emoji-table',
    resolveId: (id) => (id === MODULE ? `\0${MODULE}` : null),
    load: (id) => (id === `\0${MODULE}` ? `export default ${JSON.stringify(groups())}` : null),
  };
}

function groups() {
  const all = read<Emoji[]>('compact.json').filter(({ group }) => group !== undefined);
  const names = namesOf(all);
  const row = ({ unicode, hexcode, label, tags = [] }: Emoji) => {
    const own = names.get(hexcode) ?? [];
    const known = new Set(own.flatMap((name) => [name, ...name.split('_')]));
    const words = [...label.toLowerCase().split(/[\s:,]+/), ...tags.slice(0, MOST_TAGS)]
      .flatMap((word) => word.split(' '))
      .filter((word) => word && !known.has(word));
    return [qualified(unicode), own.join(' '), [...new Set(words)].join(' ')].join('\t');
  };
  return Object.entries(TITLES).map(([group, title]) => ({
    title,
    rows: all.filter((one) => one.group === Number(group)).map(row),
  }));
}

/**
 * The names of each emoji. GitHub's come first, which Mattermost and most others know. Then come
 * Slack's, called "iamcal". No name is that of two emoji.
 */
function namesOf(all: readonly Emoji[]): Map<string, string[]> {
  const found = new Map<string, string[]>(all.map(({ hexcode }) => [hexcode, []]));
  const taken = new Set<string>();
  for (const source of ['github', 'iamcal', 'emojibase']) {
    const names = read<Names>(`shortcodes/${source}.json`);
    for (const [hexcode, own] of found) {
      if (source === 'emojibase' && own.length > 0) continue;
      for (const name of [names[hexcode] ?? []].flat()) {
        if (!taken.has(name)) own.push(name);
        taken.add(name);
      }
    }
  }
  return found;
}

/** The form that Unicode calls fully qualified: U+FE0F only after what would be text without it. */
function qualified(emoji: string): string {
  return emoji.replace(/(\p{Emoji_Presentation})\ufe0f/gu, '$1');
}

function read<T>(name: string): T {
  const path = new URL(`./node_modules/emojibase-data/en/${name}`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
