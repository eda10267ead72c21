/** What to do after each close code; the same table is in docs/protocol.md. */

export type CloseAction = 'reconnect' | 'back_off' | 'refresh' | 'wait' | 'log_in' | 'stop';

export interface CloseRule {
  action: CloseAction;
  text: string;
}

const UNREACHABLE = 'The connection was lost.';
const MISMATCH =
  'The app and the server did not understand each other. Reload the page to get the current version.';

/** The text for a page when the server has a newer build of it. */
export const OUTDATED = 'This page is older than the server. Reload to get the new version.';

const RULES = new Map<number, CloseRule>([
  [1001, { action: 'reconnect', text: 'The server is going away.' }],
  [1012, { action: 'reconnect', text: 'The server is restarting.' }],
  [1002, { action: 'stop', text: MISMATCH }],
  [1003, { action: 'stop', text: MISMATCH }],
  [1007, { action: 'stop', text: MISMATCH }],
  [1009, { action: 'stop', text: MISMATCH }],
  [1011, { action: 'back_off', text: 'The server had a problem.' }],
  [1013, { action: 'back_off', text: 'The server is overloaded.' }],
  [4401, { action: 'refresh', text: 'Renewing your sign-in.' }],
  [4408, { action: 'reconnect', text: 'Signing in took too long.' }],
  [4420, { action: 'reconnect', text: 'The connection could not keep up.' }],
  [4429, { action: 'wait', text: 'Too many requests.' }],
  [
    4501,
    {
      action: 'log_in',
      text: 'This session was ended: you logged out elsewhere, your password was changed, or the account was disabled. Log in again to go on.',
    },
  ],
  [
    4502,
    {
      action: 'stop',
      text: 'Tailwire is open in too many places, so this window was disconnected.',
    },
  ],
  [
    4503,
    {
      action: 'stop',
      text: OUTDATED,
    },
  ],
]);

/**
 * The rule for a code. Unknown codes from 4500 to 4999 mean: do not reconnect. All other unknown
 * codes mean: reconnect.
 */
export function closeRule(code: number): CloseRule {
  const rule = RULES.get(code);
  if (rule) return rule;
  if (code >= 4500 && code <= 4999)
    return { action: 'stop', text: 'The server ended this connection for good.' };
  return { action: 'reconnect', text: UNREACHABLE };
}
