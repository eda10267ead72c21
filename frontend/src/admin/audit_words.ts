import type { AuditEvent } from 'tailwire-client/wire/api/admin';

interface Saying {
  who: string;
  does: string;
  /** To whom it was done, where that is another one. */
  whom: string | null;
  /** What follows after that. */
  rest: string;
}

// The name of each kind of event, and what somebody does by it, before and after the name of to whom.
const WORDS = new Map<string, readonly [name: string, does: string, rest?: string]>([
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
  ['invite_used', ['Invitations that were used', 'came into a room by an invitation of']],
  ['exported', ['Exports', 'exported their data']],
  ['erased', ['Deleted accounts', 'deleted the account of']],
  ['avatar_removed', ['Removed pictures', 'removed the picture of']],
  ['owner_named', ['Owners that were named', 'made', 'an owner of a room']],
  ['room_deleted', ['Deleted rooms', 'deleted a room']],
  ['removed', ['Removed members', 'removed', 'from a room']],
  ['banned', ['Bans', 'banned', 'from a room']],
  ['unbanned', ['Ended bans', 'ended the ban of']],
  ['cleared', ['Messages deleted at once', 'deleted the messages of', 'in a room']],
  ['files_deleted', ['Deleted files of others', 'deleted files of', 'in a room']],
  ['reported', ['Reports', 'reported a message of']],
  ['report_read', ['Reports that were read', 'read a reported message of']],
  ['report_closed', ['Closed reports', 'closed a report of']],
  ['report_reopened', ['Reopened reports', 'opened again a report of']],
  ['blocked', ['Blocks', 'blocked']],
  ['unblocked', ['Ended blocks', 'ended the block of']],
  ['hook_made', ['Hooks that were made', 'made the hook']],
  ['hook_ended', ['Ended hooks', 'ended the hook']],
  ['bot_made', ['Bots that were made', 'made the bot']],
  ['token_made', ['Tokens that were made', 'made a token of']],
  ['token_ended', ['Ended tokens', 'ended a token of']],
  ['webhook_made', ['Webhooks that were made', 'made a webhook']],
  ['webhook_changed', ['Changed webhooks', 'changed a webhook']],
  ['webhook_replayed', ['Replays of webhooks', 'sent entries to a webhook again']],
  ['webhook_paused', ['Paused webhooks', 'has a webhook that was paused']],
  ['webhook_ended', ['Ended webhooks', 'ended a webhook']],
]);
// Of these the account's user is told, who may not have caused them.
const SUFFERED = new Set(['login_failed', 'refresh_reused', 'webhook_paused']);

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
  const [, does, rest = ''] = WORDS.get(event.event) ?? ['', event.event.replaceAll('_', ' ')];
  if (SUFFERED.has(event.event))
    return { who: subject ?? 'Somebody unknown', does, whom: null, rest };
  const actor = nameOf(actor_id, event.actor_username) ?? 'The command line';
  if (subject === null) return { who: actor, does, whom: null, rest };
  if (subject_id === actor_id) return { who: actor, does: ofOneself(does, rest), whom: null, rest };
  return { who: actor, does, whom: subject, rest };
}

function ofOneself(does: string, rest: string): string {
  return rest ? `${does} themselves` : does.replace(/ of$/, ' of their own');
}

function nameOf(id: string | null, username: string | null): string | null {
  if (id === null) return null;
  return username === null ? 'a deleted account' : `@${username}`;
}
