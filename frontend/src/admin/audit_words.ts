import type { AuditEvent } from '../wire/api/admin';

interface Saying {
  who: string;
  does: string;
  /** To whom it was done, where that is another one. */
  whom: string | null;
}

// The name of each kind of event, and what somebody does by it.
const WORDS = new Map<string, readonly [name: string, does: string]>([
  ['signed_up', ['Sign-ups', 'signed up']],
  ['set_up', ['Setup', 'set this server up']],
  ['logged_in', ['Log-ins', 'logged in']],
  ['login_failed', ['Failed log-ins', 'did not get in: the password was wrong']],
  ['logged_out', ['Log-outs', 'logged out']],
  ['refresh_reused', ['Stolen sessions', 'was logged out, because a used token came again']],
  ['session_ended', ['Ended sessions', 'ended sessions of']],
  ['password_changed', ['Changed passwords', 'changed their password']],
  ['password_reset', ['Passwords that were set', 'set a new password for']],
  ['created', ['Accounts that were made', 'made the account of']],
  ['disabled', ['Disabled accounts', 'disabled']],
  ['enabled', ['Enabled accounts', 'enabled']],
  ['promoted', ['New administrators', 'made an administrator of']],
  ['demoted', ['Administrators no more', 'took the rights of an administrator from']],
  ['invited', ['Invitations', 'made an invitation']],
  ['invite_ended', ['Ended invitations', 'ended an invitation']],
  ['exported', ['Exports', 'exported their data']],
  ['erased', ['Deleted accounts', 'deleted the account of']],
]);
// Of these the account's user is told, who may not have caused them.
const SUFFERED = new Set(['login_failed', 'refresh_reused']);

/** The kinds of events that this page knows. */
export const EVENTS: readonly string[] = [...WORDS.keys()];

/** The name of a kind of event. A newer server may have others. */
export function eventName(event: string): string {
  return WORDS.get(event)?.[0] ?? event.replaceAll('_', ' ');
}

/** What an event says, as parts of a sentence. */
export function sayingOf(event: AuditEvent): Saying {
  const { actor_id, subject_id } = event;
  const subject = nameOf(subject_id, event.subject_username);
  const does = WORDS.get(event.event)?.[1] ?? event.event.replaceAll('_', ' ');
  if (SUFFERED.has(event.event)) return { who: subject ?? 'Somebody unknown', does, whom: null };
  const actor = nameOf(actor_id, event.actor_username) ?? 'The command line';
  if (subject === null || subject_id === actor_id)
    return { who: actor, does: does.replace(/ of$/, ' of their own'), whom: null };
  return { who: actor, does, whom: subject };
}

function nameOf(id: string | null, username: string | null): string | null {
  if (id === null) return null;
  return username === null ? 'a deleted account' : `@${username}`;
}
