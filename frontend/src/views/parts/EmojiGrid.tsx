import { useEffect, useRef, useState } from 'preact/hooks';
import { onKeys } from '../../browser/keys';
import type { Catalogue, Emoji } from '../../emoji/catalogue';
import { useChoices } from './choices';

const RECENT = 'Recent';
const RECENT_SIGN = '🕘';

interface EmojiGridProps {
  catalogue: Catalogue;
  recent: readonly string[];
  onPick(emoji: string): void;
}

/** A field that searches emoji, their groups, and the emoji themselves. */
export function EmojiGrid({ catalogue, recent, onPick }: EmojiGridProps) {
  const input = useRef<HTMLInputElement>(null);
  const [group, setGroup] = useState(recent.length > 0 ? RECENT : '');
  const groups = [
    { title: RECENT, items: recent.map((emoji) => catalogue.of(emoji) ?? unknown(emoji)) },
    ...catalogue.groups,
  ].filter(({ items }) => items.length > 0);
  const open = groups.find(({ title }) => title === group) ?? groups[0];
  const textNow = () => input.current?.value ?? '';
  const isSearching = textNow().trim() !== '';
  const choices = useChoices<Emoji>({
    textNow,
    itemsFor: (text) => (text.trim() ? catalogue.search(text) : (open?.items ?? [])),
    onPick: ({ emoji }) => {
      // Then the page behind it can have the focus.
      input.current?.closest('dialog')?.close();
      onPick(emoji);
    },
    columns: columnsOf,
  });
  const { chosen } = choices;

  useEffect(() => input.current?.focus(), []);

  const onKeyDown = onKeys((event) => choices.onArrow(event));

  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers of 2022 know no <search>
    <form
      role="search"
      class="emoji-picker"
      onSubmit={(event) => {
        event.preventDefault();
        choices.pick();
      }}
    >
      <input
        ref={input}
        class="search"
        type="text"
        role="combobox"
        placeholder="Search"
        aria-label="Search emoji"
        aria-expanded="true"
        {...choices.field}
        onInput={choices.look}
        onKeyDown={onKeyDown}
      />
      <fieldset class="emoji-groups" aria-label="Groups">
        {groups.map(({ title, items: [first] }) => (
          <button
            key={title}
            type="button"
            class="emoji-group"
            title={title}
            aria-label={title}
            aria-pressed={!isSearching && title === open?.title}
            onClick={() => {
              if (input.current) input.current.value = '';
              setGroup(title);
              choices.startOver();
            }}
          >
            {title === RECENT ? RECENT_SIGN : first?.emoji}
          </button>
        ))}
      </fieldset>
      <div
        {...choices.list}
        role="listbox"
        class="emoji-list"
        aria-label={isSearching ? 'Found' : open?.title}
      >
        {choices.items.map(({ emoji, names }, at) => (
          <div
            key={emoji}
            class="emoji"
            title={`:${names[0]}:`}
            aria-label={names[0]?.replaceAll('_', ' ')}
            role="option"
            tabIndex={-1}
            {...choices.option(at)}
          >
            {emoji}
          </div>
        ))}
      </div>
      <p role="status" class="emoji-name">
        {chosen ? `:${chosen.names[0]}:` : 'No emoji is called so.'}
      </p>
    </form>
  );
}

/** An emoji that was picked on this machine before and that the table does not have. */
function unknown(emoji: string): Emoji {
  return { emoji, names: [emoji], words: [] };
}

/** How many emoji stand in a row. The styles decide. */
function columnsOf(list: HTMLElement): number {
  return getComputedStyle(list).gridTemplateColumns.split(' ').length;
}
