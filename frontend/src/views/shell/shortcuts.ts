import { useEffect } from 'preact/hooks';
import { onKeys } from '../../browser/keys';
import { roomHash } from '../../browser/router';
import { useApp, useSession } from '../parts/context';

/** What `useShortcuts` listens to, for the dialog that explains it. */
export const SHORTCUTS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['Ctrl', 'K'], 'Go to a room by its name'],
  [['Alt', '↑'], 'The room above'],
  [['Alt', '↓'], 'The room below'],
  [['Alt', 'Shift', '↑'], 'The unread room above'],
  [['Alt', 'Shift', '↓'], 'The unread room below'],
  [['↑'], 'In the messages: the one before'],
  [['↓'], 'In the messages: the one after'],
  [['Enter'], 'On a message: what can be done with it'],
  [['R'], 'On a message: reply'],
  [['E'], 'On a message of yours: edit'],
  [['+'], 'On a message: react'],
  [['P'], 'On a message: pin or unpin'],
  [['C'], 'On a message: copy its text'],
  [['L'], 'On a message: copy a link to it'],
  [['Del'], 'On a message: delete'],
  [['↑'], 'Where nothing is written yet: edit your last message'],
  [['Esc'], 'Cancel a reply, close a dialog'],
  [['?'], 'This list'],
];

interface ShortcutsOptions {
  onSwitch(): void;
  onHelp(): void;
}

/** Listens to the keys that work everywhere but in a dialog. */
export function useShortcuts({ onSwitch, onHelp }: ShortcutsOptions): void {
  const { router } = useApp();
  const { rooms } = useSession();
  useEffect(() => {
    const toNeighbour = (step: 1 | -1, unreadOnly: boolean) => {
      const route = router.route.peek();
      const list = rooms.sorted.peek();
      const here = list.findIndex(({ id }) => route.name === 'room' && id === route.id);
      const from = here < 0 && step < 0 ? list.length : here;
      for (let at = from + step; at >= 0 && at < list.length; at += step) {
        const room = list[at];
        if (!room || (unreadOnly && !room.unread_count)) continue;
        router.go(roomHash(room.id));
        return;
      }
    };
    const onKey = onKeys((event) => {
      if (document.querySelector('dialog[open]')) return;
      const { key, altKey, shiftKey } = event;
      const withControl = event.ctrlKey || event.metaKey;
      if (withControl && !altKey && key.toLowerCase() === 'k') onSwitch();
      else if (altKey && !withControl && key === 'ArrowUp') toNeighbour(-1, shiftKey);
      else if (altKey && !withControl && key === 'ArrowDown') toNeighbour(1, shiftKey);
      else if (key === '?' && !withControl && !altKey && !isTyping(event.target)) onHelp();
      else return;
      event.preventDefault();
    });
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [router, rooms, onSwitch, onHelp]);
}

/** Whether the key is a letter of a text. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}
