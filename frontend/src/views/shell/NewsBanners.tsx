import { roomHash } from '../../browser/router';
import { useSession } from '../parts/context';
import { NewsText } from '../parts/NewsText';

/**
 * Says that the user was added to a room or is no longer a member of one. The place of the room says
 * it itself. `place` is what is open.
 */
export function NewsBanners({ place }: { place: string }) {
  const { news } = useSession();
  const items = news.items.value.filter(
    ({ room_id, what }) => what === 'webhook' || (room_id !== place && what !== 'left'),
  );
  return (
    <div class="banner-place" role="status">
      {items.map((item) => (
        <div class="banner news" key={item.room_id}>
          <p class="banner-words">
            <NewsText item={item} />
          </p>
          {(item.what === 'added' || item.what === 'webhook') && item.room_id !== place && (
            <a class="button small" href={roomHash(item.room_id)}>
              Open
            </a>
          )}
          <button type="button" class="button small" onClick={() => news.seen(item.room_id)}>
            Dismiss
          </button>
        </div>
      ))}
    </div>
  );
}
