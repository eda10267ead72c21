import type { Room } from 'tailwire-client/wire/protocol';
import { useApp } from '../parts/context';
import { LoadFailure } from '../parts/LoadFailure';
import type { Acts } from './acts';
import { loadMessageViews } from './load';

/** Where the menu or the dialog of a message opens. They are not part of the page's first load. */
export function ActPlace({ room, acts }: { room: Room; acts: Acts }) {
  const part = useApp().parts.of(loadMessageViews);
  if (!acts.acting.value) return null;
  const Dialogs = part.value?.ActDialogs;
  if (Dialogs) return <Dialogs room={room} acts={acts} />;
  if (!part.failed.value) return null;
  return (
    <LoadFailure error="This part of the page cannot be loaded." onAgain={() => part.again()} />
  );
}
