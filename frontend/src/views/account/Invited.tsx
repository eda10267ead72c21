import { useState } from 'preact/hooks';
import { LOBBY } from 'tailwire-client/wire/protocol';
import { roomHash } from '../../browser/router';
import { useApp } from '../parts/context';
import { InvitationText, useInvitation } from '../parts/invitation';
import { Login } from './Login';
import { NewAccountForm, NoSignUp } from './SignUp';

/** Where an invite leads who is not logged in: to a new account or the log-in, and from there into its room. */
export function Invited({ code }: { code: string }) {
  const { about, auth, router, session } = useApp();
  const { invitation, error } = useInvitation(code);
  const [hasAccount, setHasAccount] = useState(false);
  const server = about.server.value;
  const isClosed = server?.signup === 'closed';
  if (isClosed && (error || invitation?.room_name === null))
    return <NoSignUp name={server.name} mode="closed" />;
  if (error)
    return (
      <>
        <h1>This link leads nowhere</h1>
        <p class="auth-note" role="status">
          {error}
        </p>
        <a class="button wide" href="#/">
          Log in
        </a>
      </>
    );
  if (!server || !invitation)
    return (
      <>
        <h1>Invitation</h1>
        <p role="status">Opening the invitation…</p>
      </>
    );
  const { room_name } = invitation;

  // The user is logged in by now, and this view is gone. Where the room cannot be entered, its address stays: there
  // they read why.
  const enter = async () => {
    if (room_name === null) return router.replace(roomHash(LOBBY));
    const room = await session
      .peek()
      ?.membership.accept(code)
      .catch(() => null);
    if (room) router.replace(roomHash(room.id));
  };
  const where = room_name ?? server.name;
  if (hasAccount || isClosed)
    return (
      <Login
        title={`Log in to join ${where}`}
        onDone={enter}
        foot={
          !isClosed && (
            <>
              New here?{' '}
              <button type="button" class="link-button" onClick={() => setHasAccount(false)}>
                Create an account
              </button>
            </>
          )
        }
      />
    );
  return (
    <NewAccountForm
      title={`Join ${where}`}
      note={
        <>
          <InvitationText invitation={invitation} />
          <p class="auth-note">
            {room_name !== null && `The room is on ${server.name}. `}
            {`You make an account at ${window.location.host}. Choose the name that people there know you by.`}
          </p>
        </>
      }
      make={(username, password, displayName) => auth.signup(username, password, displayName, code)}
      onMade={enter}
      foot={
        <>
          Have an account?{' '}
          <button type="button" class="link-button" onClick={() => setHasAccount(true)}>
            Log in
          </button>
        </>
      }
    />
  );
}
