import { useId, useRef, useState } from 'preact/hooks';
import { onKeys } from '../../browser/keys';
import { roomHash } from '../../browser/router';
import type { Room } from '../../wire/protocol';
import { useApp, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';

const MOST_SHOWN = 8;

/** Goes to one of the user's rooms by a part of its name. */
export function Switcher({ onClose }: { onClose(): void }) {
  const { router } = useApp();
  const { rooms } = useSession();
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  // What was drawn last. What is chosen is looked up in the field itself.
  const [shown, setShown] = useState({ text: '', at: 0 });
  const sorted = rooms.sorted.value;
  const found = matching(sorted, shown.text);

  const look = (step: number) => {
    const text = input.current?.value ?? '';
    const count = matching(sorted, text).length;
    setShown((last) => {
      const at = text === last.text ? last.at + step : 0;
      return { text, at: Math.max(0, Math.min(count - 1, at)) };
    });
  };
  const open = (room: Room | undefined) => {
    if (!room) return;
    onClose();
    router.go(roomHash(room.id));
  };
  const onKeyDown = onKeys((event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    look(event.key === 'ArrowDown' ? 1 : -1);
  });

  return (
    <Dialog title="Go to a room" onClose={onClose}>
      {/* biome-ignore lint/a11y/useSemanticElements: browsers of 2022 know no <search> */}
      <form
        role="search"
        class="switcher"
        onSubmit={(event) => {
          event.preventDefault();
          const text = input.current?.value ?? '';
          open(matching(sorted, text)[text === shown.text ? shown.at : 0]);
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
              onClick={() => open(room)}
            >
              <Icon name={room.visibility === 'private' ? 'lock' : 'hash'} size={18} />
              <bdi>{room.name}</bdi>
            </div>
          ))}
        </div>
        <p role="status" class="field-hint">
          {found.length === 0 ? 'None of your rooms is called so.' : 'Enter opens it.'}
        </p>
      </form>
    </Dialog>
  );
}

function matching(rooms: readonly Room[], text: string): Room[] {
  const wanted = text.trim().toLocaleLowerCase();
  return rooms.filter(({ name }) => name.toLocaleLowerCase().includes(wanted)).slice(0, MOST_SHOWN);
}
