import { useEffect, useState } from 'preact/hooks';
import { Lazy } from '../../browser/lazy';
import type { Room } from '../../wire/protocol';
import type { Acts } from './acts';

// By then the room is shown. Later there may be no connection over which the dialogs could be loaded.
const LOAD_MILLISECONDS = 2_000;

/** Where the menu or the dialog of a message opens. They are not part of the page's first load. */
export function ActPlace({ room, acts }: { room: Room; acts: Acts }) {
  const [dialogs] = useState(() => new Lazy(() => import('./ActDialogs')));
  useEffect(() => {
    const timer = setTimeout(() => dialogs.value, LOAD_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [dialogs]);
  if (!acts.acting.value) return null;
  const Dialogs = dialogs.value?.ActDialogs;
  if (Dialogs) return <Dialogs room={room} acts={acts} />;
  if (!dialogs.failed.value) return null;
  return (
    <p class="callout danger" role="alert">
      This part of the page cannot be loaded.{' '}
      <button type="button" class="link-button" onClick={() => dialogs.again()}>
        Try again
      </button>
    </p>
  );
}
