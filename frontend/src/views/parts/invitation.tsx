import { useEffect, useState } from 'preact/hooks';
import { problemText } from 'tailwire-client/wire/problem';
import type { Invitation } from 'tailwire-client/wire/room_invites';
import { useApp } from './context';

interface Looked {
  /** Null until the server has answered, and where it refused. */
  invitation: Invitation | null;
  /** Why it leads nowhere. It is empty while it may. */
  error: string;
}

/** Asks the server where an invite leads. */
export function useInvitation(code: string): Looked {
  const { about } = useApp();
  const [looked, setLooked] = useState<Looked>({ invitation: null, error: '' });
  useEffect(() => {
    let isWanted = true;
    about.invitation(code).then(
      (invitation) => isWanted && setLooked({ invitation, error: '' }),
      (problem) => isWanted && setLooked({ invitation: null, error: problemText(problem) }),
    );
    return () => {
      isWanted = false;
    };
  }, [about, code]);
  return looked;
}

/** Who invites to a room, and how many are in it. */
export function InvitationText({ invitation }: { invitation: Invitation }) {
  const { invited_by, member_count } = invitation;
  return (
    <p class="auth-note">
      {invited_by ? (
        <>
          <bdi>{invited_by.display_name}</bdi> <bdi>@{invited_by.username}</bdi> invites you.
        </>
      ) : (
        'You are invited.'
      )}{' '}
      {member_count !== null && (member_count === 1 ? '1 member.' : `${member_count} members.`)}
    </p>
  );
}
