import { useId, useRef, useState } from 'preact/hooks';
import { onKeys } from '../../browser/keys';
import type { Room } from '../../wire/protocol';
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
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  // What was drawn last. What is chosen is looked up in the field itself.
  const [shown, setShown] = useState({ text: '', at: 0 });
  const found = matching(rooms, shown.text);

  const look = (step: number) => {
    const text = input.current?.value ?? '';
    const count = matching(rooms, text).length;
    setShown((last) => {
      const at = text === last.text ? last.at + step : 0;
      return { text, at: Math.max(0, Math.min(count - 1, at)) };
    });
  };
  const onKeyDown = onKeys((event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    look(event.key === 'ArrowDown' ? 1 : -1);
  });

  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers of 2022 know no <search>
    <form
      role="search"
      class="switcher"
      onSubmit={(event) => {
        event.preventDefault();
        const text = input.current?.value ?? '';
        const room = matching(rooms, text)[text === shown.text ? shown.at : 0];
        if (room) onPick(room);
      }}
    >
      <input
        ref={input}
        class="search"
        type="text"
        role="combobox"
        autoComplete="off"
        aria-label="Name of the room"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length > 0 ? `${id}-${shown.at}` : undefined}
        onInput={() => look(0)}
        onKeyDown={onKeyDown}
      />
      <div id={`${id}-list`} role="listbox" aria-label="Rooms">
        {found.map((room, at) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys of this list
          <div
            key={room.id}
            id={`${id}-${at}`}
            role="option"
            tabIndex={-1}
            class="switcher-room"
            aria-selected={at === shown.at}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => onPick(room)}
          >
            <Icon name={room.visibility === 'private' ? 'lock' : 'hash'} size={18} />
            <bdi>{room.name}</bdi>
          </div>
        ))}
      </div>
      <p role="status" class="field-hint">
        {found.length === 0 ? 'None of your rooms is called so.' : hint}
      </p>
    </form>
  );
}

function matching(rooms: readonly Room[], text: string): Room[] {
  const wanted = text.trim().toLocaleLowerCase();
  return rooms.filter(({ name }) => name.toLocaleLowerCase().includes(wanted)).slice(0, MOST_SHOWN);
}
