import { roomHash } from '../../browser/router';
import { useApp, useSession } from '../parts/context';
import { InvitationText, useInvitation } from '../parts/invitation';
import { ErrorLine } from '../parts/Outcome';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';
import { Waiting } from './RoomPlace';

/** Where an invite leads who is logged in: into its room, by a button. */
export function InvitePlace({ code }: { code: string }) {
  const { router } = useApp();
  const { membership } = useSession();
  const { invitation, error: refused } = useInvitation(code);
  const { error, run } = useWork();
  if (!invitation && !refused) return <Waiting text="Opening the invitation…" />;
  const room = invitation?.room_name;
  return (
    <section class="empty">
      <h1 tabIndex={-1} data-place-heading dir="auto">
        {room ?? 'Invitation'}
      </h1>
      {refused && <p>{refused}</p>}
      {invitation && room == null && (
        <p class="callout" role="status">
          You have an account here already. This link is for somebody who has none.
        </p>
      )}
      {invitation && room != null && (
        <>
          <InvitationText invitation={invitation} />
          <ErrorLine text={error} />
          <WorkButton
            class="button primary"
            doing="Joining…"
            onPress={() =>
              run(async () => router.replace(roomHash((await membership.accept(code)).id)))
            }
          >
            Join this room
          </WorkButton>
        </>
      )}
      <a class="button back" href="#/">
        Your rooms
      </a>
    </section>
  );
}
