import type { ComponentChildren } from 'preact';
import { Problem } from 'tailwire-client/wire/problem';
import { LOBBY } from 'tailwire-client/wire/protocol';
import { roomHash } from '../../browser/router';
import { nameIn } from '../../browser/text';
import { useApp } from '../parts/context';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { NEW_ACCOUNT, NEW_ACCOUNT_LIMITS, NewAccountFields, newAccountErrors } from './NewAccount';

/** Makes an account where everybody may. Where that needs an invitation, it says so. */
export function SignUp() {
  const { about, auth } = useApp();
  const server = about.server.value;
  if (!server) return null;
  if (server.signup !== 'open') return <NoSignUp name={server.name} mode={server.signup} />;
  return (
    <NewAccountForm
      title="Create an account"
      make={(username, password, displayName) => auth.signup(username, password, displayName)}
    />
  );
}

/** Makes the account of the first administrator, with the token of the setup link. */
export function Setup({ token }: { token: string }) {
  const { auth } = useApp();
  return (
    <NewAccountForm
      title="Set up this server"
      note="You make the first account. It administers this server: it invites people, and disables accounts. The link works once."
      make={(username, password, displayName) =>
        auth.setUp(token, username, password, displayName).catch((problem) => {
          throw aboutSetup(problem);
        })
      }
    />
  );
}

const SETUP_CODES = new Map([
  ['conflict', 'already_set_up'],
  ['bad_invite', 'bad_setup_link'],
]);

/** The problem in words about the setup link, where its code is about other things too. */
function aboutSetup(problem: unknown): unknown {
  const code = problem instanceof Problem && SETUP_CODES.get(problem.code);
  return code ? new Problem({ code }) : problem;
}

interface NewAccountFormProps {
  title: string;
  note?: ComponentChildren;
  /** What is said below it instead of how to log in. */
  foot?: ComponentChildren;
  make(username: string, password: string, displayName: string): Promise<void>;
  /** Where the new user goes; into the lobby, where it is not said. */
  onMade?(): Promise<void>;
}

export function NewAccountForm({ title, note, foot, make, onMade }: NewAccountFormProps) {
  const { router } = useApp();
  const form = useForm({
    names: NEW_ACCOUNT,
    limits: NEW_ACCOUNT_LIMITS,
    check: newAccountErrors,
    send: async ({ username, display_name, password }) => {
      await make(nameIn(username), password, nameIn(display_name));
      // This also takes the code out of the address and of the history of the browser.
      if (onMade) await onMade();
      else router.replace(roomHash(LOBBY));
    },
  });
  return (
    <FormCard
      form={form}
      send="Create account"
      sending="Creating…"
      wide
      labelledBy="auth-title"
      foot={
        foot ?? (
          <>
            Have an account? <a href="#/">Log in</a>
          </>
        )
      }
    >
      <h1 id="auth-title">{title}</h1>
      {typeof note === 'string' ? <p class="auth-note">{note}</p> : note}
      <NewAccountFields form={form} />
    </FormCard>
  );
}

/** Says that nobody, or only who is invited, can make an account here. */
export function NoSignUp({ name, mode }: { name: string; mode: 'invite' | 'closed' }) {
  return (
    <>
      <h1>
        {mode === 'invite' ? `${name} is by invitation only` : `${name} takes no new accounts`}
      </h1>
      <p class="auth-note">
        {mode === 'invite'
          ? 'Ask somebody who administers it for an invitation: a link on which you make your account.'
          : 'Whoever runs this server makes the accounts. Ask them for one.'}
      </p>
      <a class="button wide" href="#/">
        Log in
      </a>
    </>
  );
}
