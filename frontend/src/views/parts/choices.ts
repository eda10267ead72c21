import type { RefObject } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { hasModifier } from '../../browser/keys';

interface ChoicesOptions<Item> {
  /** The text in the field, as it is now, for which something is offered; null where nothing is. */
  textNow(): string | null;
  itemsFor(text: string): readonly Item[];
  /** Takes one of them. */
  onPick(item: Item): void;
  /** How many stand in a row. Where it is more than one, the arrows go sideways, too. */
  columns?(list: HTMLElement): number;
}

/**
 * A field with a list below it, from which one item is taken. The focus stays in the field: the arrows move what is
 * chosen, and screen readers are told of it by `aria-activedescendant`.
 *
 * The field keeps its text itself. What was drawn last may be a key press old, so what is taken is looked up for the
 * text that the field has at that moment.
 */
export function useChoices<Item>(options: ChoicesOptions<Item>) {
  const { textNow, itemsFor, onPick, columns } = options;
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState(() => ({ text: textNow(), at: 0 }));
  const items = shown.text === null ? [] : itemsFor(shown.text);
  // What is offered may have become less since, when the list comes from elsewhere.
  const at = Math.max(0, Math.min(shown.at, items.length - 1));

  useLayoutEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: 'nearest' });
  }, [shown.text, at]);

  const show = (text: string | null, next: number) => {
    const last = text === null ? 0 : itemsFor(text).length - 1;
    setShown({ text, at: Math.max(0, Math.min(next, last)) });
  };

  return {
    items,
    at,
    chosen: items[at],
    /** Draws what is offered for the text in the field. */
    look(): void {
      const text = textNow();
      if (text !== shown.text) show(text, 0);
    },
    /** The same text may offer other items now. */
    startOver(): void {
      show(textNow(), 0);
    },
    /** Takes what is chosen. Returns whether there was anything. */
    pick(): boolean {
      const text = textNow();
      const item = text === null ? undefined : itemsFor(text)[text === shown.text ? at : 0];
      if (item === undefined) return false;
      onPick(item);
      return true;
    },
    /** Moves what is chosen. Returns whether the key was one that does. */
    onArrow(event: KeyboardEvent): boolean {
      const row = (list.current && columns?.(list.current)) ?? 1;
      const steps: Record<string, number> = {
        ArrowDown: row,
        ArrowUp: -row,
        ...(columns && { ArrowRight: 1, ArrowLeft: -1 }),
      };
      const step = steps[event.key];
      if (step === undefined || hasModifier(event)) return false;
      event.preventDefault();
      const text = textNow();
      show(text, text === shown.text ? at + step : 0);
      return true;
    },
    /** The properties of the field. */
    field: {
      autoComplete: 'off',
      'aria-autocomplete': 'list',
      'aria-controls': items.length > 0 ? `${id}-list` : undefined,
      'aria-activedescendant': items.length > 0 ? `${id}-${at}` : undefined,
    } as const,
    /** The properties of the list, a `listbox`. It has the items as its only children. */
    list: { id: `${id}-list`, ref: list as RefObject<HTMLDivElement> },
    /** The properties of an item, an `option`. */
    option: (index: number) =>
      ({
        id: `${id}-${index}`,
        'aria-selected': index === at,
        // The field keeps the focus.
        onMouseDown: (event: Event) => event.preventDefault(),
        onClick: () => {
          const item = items[index];
          if (item !== undefined) onPick(item);
        },
      }) as const,
  };
}
