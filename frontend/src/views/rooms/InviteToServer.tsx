import { useEffect } from 'preact/hooks';
import { useSession } from '../parts/context';
import { Icon } from '../parts/Icon';

/** Leads administrators to the invitations that let people make an account. Others see nothing. */
export function InviteToServer({ onGo, tabIndex }: { onGo?(): void; tabIndex?: number }) {
  const { account } = useSession();
  const rights = account.value?.rights;
  useEffect(() => void rights?.look(), [rights]);
  if (!rights?.isAdmin.value) return null;
  return (
    <p class="welcome">
      {/* biome-ignore lint/a11y/useValidAnchor: it leads to a page, and a dialog closes as well */}
      <a class="button" href="#/admin/invitations" tabIndex={tabIndex} onClick={onGo}>
        <Icon name="link" size={18} />
        Invite people to this server
      </a>
    </p>
  );
}
