import { useSession } from './context';

/** Says at an avatar that its user is online. */
export function OnlineDot({ user_id }: { user_id: string }) {
  if (!useSession().presence.of(user_id)) return null;
  return (
    <span class="online-dot">
      <span class="visually-hidden">online</span>
    </span>
  );
}
