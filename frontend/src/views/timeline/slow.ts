import { useEffect, useState } from 'preact/hooks';
import type { Room } from 'tailwire-client/wire/protocol';
import { slowness } from '../../rooms/permissions';
import { useSession } from '../parts/context';

/** How many seconds the user still waits before the next message in the room. The view is drawn again each second. */
export function useWait(room: Room): number {
  const { slowMode } = useSession();
  const [, draw] = useState(0);
  const left = slowness(room) > 0 ? slowMode.left(room.id) : 0;
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => draw((count) => count + 1), left % 1000 || 1000);
    return () => clearTimeout(timer);
  });
  return Math.ceil(left / 1000);
}
