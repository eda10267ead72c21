import { useEffect } from 'preact/hooks';
import { onKeys } from '../../browser/keys';
import { roomHash } from '../../browser/router';
import { useApp, useSession } from '../parts/context';

interface ShortcutsOptions {
  onSwitch(): void;
  onHelp(): void;
}

/** Listens to the keys that work everywhere but in a dialog. */
export function useShortcuts({ onSwitch, onHelp }: ShortcutsOptions): void {
  const { router } = useApp();
  const { features, roomList } = useSession();
  useEffect(() => {
    const toNeighbour = (step: 1 | -1, unreadOnly: boolean) => {
      const route = router.route.peek();
      const list = roomList.order.peek();
      const here = list.findIndex(({ id }) => route.name === 'room' && id === route.id);
      const from = here < 0 && step < 0 ? list.length : here;
      for (let at = from + step; at >= 0 && at < list.length; at += step) {
        const room = list[at];
        if (!room || (unreadOnly && !room.unread_count)) continue;
        router.go(roomHash(room.id));
        return;
      }
    };
    const toSearch = () => {
      const route = router.route.peek();
      router.go(route.name === 'room' ? `#/search?room=${route.id}` : '#/search');
    };
    const onKey = onKeys((event) => {
      if (document.querySelector('dialog[open]')) return;
      const { key, altKey, shiftKey } = event;
      const withControl = event.ctrlKey || event.metaKey;
      const letter = withControl && !altKey && key.toLowerCase();
      if (letter === 'k') onSwitch();
      else if (letter === 'f' && shiftKey && features.value.has('search')) toSearch();
      else if (altKey && !withControl && key === 'ArrowUp') toNeighbour(-1, shiftKey);
      else if (altKey && !withControl && key === 'ArrowDown') toNeighbour(1, shiftKey);
      else if (key === '?' && !withControl && !altKey && !isTyping(event.target)) onHelp();
      else return;
      event.preventDefault();
    });
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [router, features, roomList, onSwitch, onHelp]);
}

/** Whether the key is a letter of a text. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}
