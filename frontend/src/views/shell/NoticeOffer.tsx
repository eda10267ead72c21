import { useApp, useSession } from '../parts/context';

/** Asks, after somebody mentioned the user, whether the system shall show notices. It asks once. */
export function NoticeOffer() {
  const signs = useApp().signs.loaded;
  const { inbox } = useSession();
  const isAsked =
    inbox.mentionCount.value > 0 &&
    signs?.notices.permission.value === 'default' &&
    !signs.settings.value.asked;
  const answer = (isWanted: boolean) => {
    signs?.settings.change({ asked: true });
    if (isWanted) void signs?.notices.ask();
  };
  return (
    <div class="banner-place" role="status">
      {isAsked && (
        <div class="banner news">
          <p class="banner-words">
            Somebody mentioned you. Do you want a notice when that happens while you are elsewhere?
          </p>
          <button type="button" class="button small" onClick={() => answer(true)}>
            Notify me
          </button>
          <button type="button" class="button small" onClick={() => answer(false)}>
            Not now
          </button>
        </div>
      )}
    </div>
  );
}
