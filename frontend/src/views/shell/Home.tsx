import { unreadIn } from '../../rooms/level';
import { MAX_UNREAD } from '../../rooms/unread';
import { useApp, useSession } from '../parts/context';
import { Logo } from '../parts/Logo';

export function Home() {
  const { now, router } = useApp();
  const { news, rooms } = useSession();
  const { name } = router.route.value;
  const unread = unreadIn(rooms.byId.value.values(), now.minute.value);
  return (
    <section class="empty">
      {name === 'setup' && (
        <p class="callout" role="status">
          You have an account here already. This link is for somebody who has none.
        </p>
      )}
      <Logo size={56} />
      <h1 tabIndex={-1} data-place-heading>
        {unread > 0
          ? `${unread < MAX_UNREAD ? unread : `${MAX_UNREAD}+`} unread message${unread === 1 ? '' : 's'}`
          : news.items.value.some(({ what }) => what === 'added')
            ? 'You have a new room'
            : 'You are all caught up'}
      </h1>
      <p>Choose a room from the list, or find a new one.</p>
      <a class="button primary" href="#/browse">
        Browse public rooms
      </a>
    </section>
  );
}
