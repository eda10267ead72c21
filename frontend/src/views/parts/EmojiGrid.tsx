import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { onKeys } from '../../browser/keys';
import type { Catalogue } from '../../emoji/catalogue';

const RECENT = 'Recent';
const RECENT_SIGN = '🕘';

interface EmojiGridProps {
  catalogue: Catalogue;
  recent: readonly string[];
  onPick(emoji: string): void;
}

/** A field that searches emoji, their groups, and the emoji themselves. */
export function EmojiGrid({ catalogue, recent, onPick }: EmojiGridProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  // What was drawn last. What is chosen is looked up in the field itself.
  const [shown, setShown] = useState({ text: '', group: recent.length > 0 ? RECENT : '', at: 0 });
  const groups = [
    { title: RECENT, items: recent.map((emoji) => catalogue.of(emoji) ?? unknown(emoji)) },
    ...catalogue.groups,
  ].filter(({ items }) => items.length > 0);
  const open = groups.find(({ title }) => title === shown.group) ?? groups[0];
  const itemsFor = (text: string) => (text.trim() ? catalogue.search(text) : (open?.items ?? []));
  const items = itemsFor(shown.text);
  const chosen = items[shown.at];

  useEffect(() => input.current?.focus(), []);
  useEffect(() => {
    list.current?.children[shown.at]?.scrollIntoView({ block: 'nearest' });
  }, [shown]);

  const look = (step: number) => {
    const text = input.current?.value ?? '';
    const last = itemsFor(text).length - 1;
    setShown((before) => {
      const at = text === before.text ? before.at + step : 0;
      return { ...before, text, at: Math.max(0, Math.min(last, at)) };
    });
  };
  const pick = (emoji: string | undefined) => {
    if (!emoji) return;
    // Then the page behind it can have the focus.
    list.current?.closest('dialog')?.close();
    onPick(emoji);
  };
  const onKeyDown = onKeys((event) => {
    const row = columnsOf(list.current);
    const steps: Record<string, number> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: row,
      ArrowUp: -row,
    };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    look(step);
  });

  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers of 2022 know no <search>
    <form
      role="search"
      class="emoji-picker"
      onSubmit={(event) => {
        event.preventDefault();
        const text = input.current?.value ?? '';
        pick(itemsFor(text)[text === shown.text ? shown.at : 0]?.emoji);
      }}
    >
      <input
        ref={input}
        class="search"
        type="text"
        role="combobox"
        autoComplete="off"
        placeholder="Search"
        aria-label="Search emoji"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={chosen ? `${id}-${shown.at}` : undefined}
        onInput={() => look(0)}
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
            aria-pressed={!shown.text && title === open?.title}
            onClick={() => {
              if (input.current) input.current.value = '';
              setShown({ text: '', group: title, at: 0 });
            }}
          >
            {title === RECENT ? RECENT_SIGN : first?.emoji}
          </button>
        ))}
      </fieldset>
      <div
        id={`${id}-list`}
        ref={list}
        class="emoji-list"
        role="listbox"
        aria-label={shown.text ? 'Found' : open?.title}
      >
        {items.map(({ emoji, names }, at) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys of this list
          <div
            key={emoji}
            id={`${id}-${at}`}
            role="option"
            tabIndex={-1}
            class="emoji"
            title={`:${names[0]}:`}
            aria-label={names[0]?.replaceAll('_', ' ')}
            aria-selected={at === shown.at}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => pick(emoji)}
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
function unknown(emoji: string) {
  return { emoji, names: [emoji], words: [] };
}

/** How many emoji stand in a row. The styles decide. */
function columnsOf(list: HTMLElement | null): number {
  return list ? getComputedStyle(list).gridTemplateColumns.split(' ').length : 1;
}
