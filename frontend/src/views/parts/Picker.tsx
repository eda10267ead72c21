import type { ComponentChild } from 'preact';
import { useRef } from 'preact/hooks';
import { onKeys } from '../../browser/keys';
import { useChoices } from './choices';

interface PickerProps<Item> {
  /** The name of the field. */
  label: string;
  /** The name of the list. */
  listLabel: string;
  itemsFor(text: string): readonly Item[];
  keyOf(item: Item): string;
  show(item: Item): ComponentChild;
  /** What the Enter key does with an item. */
  hint(item: Item): string;
  /** What is said where nothing is offered for a text. */
  none(text: string): string;
  onPick(item: Item): void;
  onInput?(text: string): void;
  placeholder?: string;
  /** Whether the field is emptied for the next one when one was taken. */
  clears?: boolean;
  /** Enter was pressed in the empty field. */
  onEmpty?(): void;
}

/** Finds one of some things by a part of its name. */
export function Picker<Item>(props: PickerProps<Item>) {
  const input = useRef<HTMLInputElement>(null);
  const choices = useChoices({
    textNow: () => input.current?.value ?? '',
    itemsFor: props.itemsFor,
    onPick: (item: Item) => {
      props.onPick(item);
      if (!props.clears || !input.current) return;
      input.current.value = '';
      props.onInput?.('');
      choices.startOver();
    },
  });
  const onKeyDown = onKeys((event) => choices.onArrow(event));
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers of 2022 know no <search>
    <form
      role="search"
      class="switcher"
      onSubmit={(event) => {
        event.preventDefault();
        if (!choices.pick() && input.current?.value === '') props.onEmpty?.();
      }}
    >
      <input
        ref={input}
        class="search"
        type="text"
        role="combobox"
        aria-label={props.label}
        aria-expanded={choices.items.length > 0}
        placeholder={props.placeholder}
        {...choices.field}
        onInput={(event) => {
          props.onInput?.(event.currentTarget.value);
          choices.look();
        }}
        onKeyDown={onKeyDown}
      />
      <div {...choices.list} role="listbox" aria-label={props.listLabel}>
        {choices.items.map((item, at) => (
          <div
            key={props.keyOf(item)}
            class="switcher-room"
            role="option"
            tabIndex={-1}
            {...choices.option(at)}
          >
            {props.show(item)}
          </div>
        ))}
      </div>
      <p role="status" class="field-hint">
        {choices.chosen ? props.hint(choices.chosen) : props.none(input.current?.value ?? '')}
      </p>
    </form>
  );
}
