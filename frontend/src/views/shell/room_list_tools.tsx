/** What works on the list of rooms, and is loaded after it. */
import { finderOf } from '../../rooms/finding';
import { searchHash } from '../../rooms/query';
import { useApp, useSession } from '../parts/context';
import { Icon } from '../parts/Icon';

/** A field that finds a room in the list, a button that leaves only unread ones, and the way to the search. */
export function Filter() {
  const { features, roomList, titles } = useSession();
  const { router } = useApp();
  const { unreadOnly, wanted } = roomList;
  return (
    <>
      <input
        class="search"
        type="search"
        aria-label="Filter your rooms"
        placeholder="Filter"
        onInput={(event) => {
          wanted.value = finderOf(event.currentTarget.value, titles);
        }}
      />
      <button
        type="button"
        class="icon-button"
        aria-label="Only unread"
        title="Only unread"
        aria-pressed={unreadOnly.value}
        onClick={() => {
          unreadOnly.value = !unreadOnly.value;
        }}
      >
        <Icon name="unread" />
      </button>
      {features.value.has('search') && (
        <a
          class="icon-button"
          href={searchHash('')}
          aria-label="Search messages"
          title="Search messages (Ctrl+Shift+F)"
          aria-current={router.route.value.name === 'search' ? 'page' : undefined}
        >
          <Icon name="search" />
        </a>
      )}
    </>
  );
}

/** Shows the hidden rooms, and says how many there are. */
export function HiddenRooms() {
  const { roomList } = useSession();
  const count = roomList.hiddenCount.value;
  if (count === 0) return null;
  const { withHidden } = roomList;
  return (
    <button
      type="button"
      class="browse-link"
      aria-expanded={withHidden.value}
      onClick={() => {
        withHidden.value = !withHidden.value;
      }}
    >
      <Icon name="eye" />
      {count === 1 ? '1 hidden room' : `${count} hidden rooms`}
    </button>
  );
}

/** Says why a room cannot be put where the user wants it. */
export function PlaceError() {
  const error = useSession().roomList.error.value;
  return error ? (
    <p class="room-list-note" role="alert">
      {error}
    </p>
  ) : null;
}
