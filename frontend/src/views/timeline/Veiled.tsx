import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useSession } from '../parts/context';

interface VeiledProps {
  /** Who wrote it. */
  user_id: string;
  children: ComponentChildren;
}

/** What somebody wrote whom the user blocked is shown only where the user wants to see it. */
export function Veiled({ user_id, children }: VeiledProps) {
  const { blocks, user_id: me } = useSession();
  const [isOpen, setOpen] = useState(false);
  if (user_id !== me && blocks.isUnknown()) return <div class="veiled">{children}</div>;
  if (isOpen || !blocks.has(user_id)) return <>{children}</>;
  return (
    <p class="tombstone">
      You blocked who wrote this.{' '}
      <button type="button" class="link-button" tabIndex={-1} onClick={() => setOpen(true)}>
        Show it
      </button>
    </p>
  );
}
