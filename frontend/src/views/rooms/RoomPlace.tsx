import { useApp, useSession } from '../parts/context';
import { LoadFailure } from '../parts/LoadFailure';
import { loadRoomViews } from './load';
import { RoomView } from './RoomView';

/** The page at #/rooms/<id>: a room of the user, a room that the user can join, or neither. */
export function RoomPlace({ id }: { id: string }) {
  const { rooms, timelines } = useSession();
  const later = useApp().parts.of(loadRoomViews);
  const room = rooms.get(id);
  const timeline = timelines.get(id);
  if (room && timeline) return <RoomView room={room} timeline={timeline} />;
  if (!rooms.loaded.value) return <Waiting text="Loading…" />;
  const Stranger = later.value?.Stranger;
  if (Stranger) return <Stranger id={id} />;
  if (!later.failed.value) return <Waiting text="Looking for this room…" />;
  return (
    <section class="empty">
      <LoadFailure error="This cannot be loaded." onAgain={() => later.again()} />
    </section>
  );
}

/** Says that something is on its way. */
export function Waiting({ text }: { text: string }) {
  return (
    <section class="empty">
      <h1 class="visually-hidden" tabIndex={-1} data-place-heading>
        A room
      </h1>
      <p role="status">{text}</p>
    </section>
  );
}
