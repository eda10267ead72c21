import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Room } from 'tailwire-client/wire/protocol';
import { roomHash, threadHash } from '../../browser/router';
import { useApp } from '../parts/context';

interface ThreadPlace {
  /** Opens the thread below the message `root`, at the reply `seq`. */
  open(root: number, seq: number | null): void;
  close(): void;
}

/**
 * Opens and closes the thread beside a room. It has an address, so that "back" closes it. The focus goes back to
 * where it was in `place`, the room without the thread.
 */
export function useThreadPlace(
  { id, epoch }: Room,
  root: number | null,
  place: RefObject<HTMLElement | null>,
): ThreadPlace {
  const { router } = useApp();
  const wentThere = useRef(false);
  const opener = useRef<Element | null>(null);
  const openedIn = useRef(epoch);
  const isOpen = useRef(false);

  // Under another epoch another message may have the seq of the root.
  useEffect(() => {
    if (openedIn.current !== epoch && root !== null) router.replace(roomHash(id));
    openedIn.current = epoch;
  }, [router, id, root, epoch]);

  // "Back" closes it as well.
  useEffect(() => {
    if (isOpen.current && root === null) {
      wentThere.current = false;
      if (document.activeElement === document.body) giveFocus(place.current, opener.current);
    }
    isOpen.current = root !== null;
  }, [root, place]);

  return {
    open(wanted, seq) {
      opener.current = document.activeElement;
      const hash = threadHash(id, wanted, seq);
      if (root !== null) {
        router.replace(hash);
        return;
      }
      wentThere.current = true;
      router.go(hash);
    },
    close() {
      if (wentThere.current) router.back();
      else router.replace(roomHash(id));
      const row = place.current?.querySelector(`[role=log] [data-seq="${root}"]`) ?? null;
      giveFocus(place.current, opener.current?.isConnected ? opener.current : row);
    },
  };
}

function giveFocus(place: HTMLElement | null, wanted: Element | null): void {
  const target = wanted?.isConnected ? wanted : place?.querySelector('[role=log]');
  if (target instanceof HTMLElement) target.focus({ preventScroll: true });
}
