import { useState } from 'preact/hooks';
import { roomHash } from '../../browser/router';
import type { NewsItem } from '../../rooms/news';
import { useSession } from '../parts/context';
import { NewsText } from '../parts/NewsText';
import { Integrations } from '../rooms/Integrations';

/**
 * Says that the user was added to a room or is no longer a member of one, or that a webhook of theirs is
 * paused. The place of the room says the first two itself. `place` is what is open.
 */
export function NewsBanners({ place }: { place: string }) {
  const { news, rooms } = useSession();
  const [opened, setOpened] = useState<NewsItem | null>(null);
  const items = news.items.value.filter(
    ({ room_id, what }) => what === 'webhook' || (room_id !== place && what !== 'left'),
  );
  const room = opened && rooms.get(opened.room_id);
  return (
    <div class="banner-place">
      <div role="status">
        {items.map((item) => (
          <div class="banner news" key={item.room_id}>
            <p class="banner-words">
              <NewsText item={item} />
            </p>
            {item.what === 'added' && (
              <a class="button small" href={roomHash(item.room_id)}>
                Open
              </a>
            )}
            {item.what === 'webhook' && (
              <button type="button" class="button small" onClick={() => setOpened(item)}>
                See the webhook
              </button>
            )}
            <button type="button" class="button small" onClick={() => news.seen(item.room_id)}>
              Dismiss
            </button>
          </div>
        ))}
      </div>
      {room && (
        <Integrations room={room} webhook_id={opened.webhook_id} onClose={() => setOpened(null)} />
      )}
    </div>
  );
}
