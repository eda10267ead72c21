import { useRef } from 'preact/hooks';
import { onKeys } from '../../browser/keys';
import type { Room } from '../../wire/protocol';
import { useChoices } from './choices';
import { Icon } from './Icon';

const MOST_SHOWN = 8;

interface RoomPickerProps {
  rooms: readonly Room[];
  /** What the Enter key does. */
  hint: string;
  onPick(room: Room): void;
}

/** Finds one of some rooms by a part of its name. */
export function RoomPicker({ rooms, hint, onPick }: RoomPickerProps) {
  const input = useRef<HTMLInputElement>(null);
  const choices = useChoices({
    textNow: () => input.current?.value ?? '',
    itemsFor: (text) => matching(rooms, text),
    onPick,
  });
  const onKeyDown = onKeys((event) => choices.onArrow(event));
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers of 2022 know no <search>
    <form
      role="search"
      class="switcher"
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
        aria-label="Name of the room"
        aria-expanded="true"
        {...choices.field}
        onInput={choices.look}
        onKeyDown={onKeyDown}
      />
      <div {...choices.list} role="listbox" aria-label="Rooms">
        {choices.items.map((room, at) => (
          <div
            key={room.id}
            class="switcher-room"
            role="option"
            tabIndex={-1}
            {...choices.option(at)}
          >
            <Icon name={room.visibility === 'private' ? 'lock' : 'hash'} size={18} />
            <bdi>{room.name}</bdi>
          </div>
        ))}
      </div>
      <p role="status" class="field-hint">
        {choices.chosen ? hint : 'None of your rooms is called so.'}
      </p>
    </form>
  );
}

function matching(rooms: readonly Room[], text: string): Room[] {
  const wanted = text.trim().toLocaleLowerCase();
  return rooms.filter(({ name }) => name.toLocaleLowerCase().includes(wanted)).slice(0, MOST_SHOWN);
}
