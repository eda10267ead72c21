/** A failed request, and its text for the user. */

export interface FieldError {
  loc: unknown;
  message: string;
}

export interface ProblemBody {
  status?: number;
  code?: string;
  title?: string;
  detail?: string;
  request_id?: string;
  errors?: FieldError[];
  retry_after_seconds?: number;
  /** How much of something long is done, from 0 to 1. */
  done?: number;
}

// Beside those from 500: no answer, too slow, a host that the operator has not named yet, too often.
const TEMPORARY = new Set([0, 408, 421, 429]);

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string | null;
  readonly fields: ReadonlyMap<string, string>;
  readonly retryAfterSeconds: number | null;
  readonly done: number | null;

  constructor(body: ProblemBody) {
    super(body.code ?? 'unknown');
    this.status = body.status ?? 0;
    this.code = body.code ?? (this.status >= 500 ? 'internal' : 'unknown');
    this.detail = body.detail ?? body.title ?? '';
    this.requestId = body.request_id ?? null;
    this.retryAfterSeconds = body.retry_after_seconds ?? null;
    this.done = body.done ?? null;
    this.fields = fieldErrors(body.errors);
  }

  /** Whether the same request may succeed later. */
  get temporary(): boolean {
    return TEMPORARY.has(this.status) || this.status >= 500;
  }
}

/** The server could not be reached, or its answer was not one of the API. */
export function unreachable(): Problem {
  return new Problem({ status: 0, code: 'unreachable' });
}

function fieldErrors(errors: FieldError[] | undefined): Map<string, string> {
  const fields = new Map<string, string>();
  for (const { loc, message } of Array.isArray(errors) ? errors : []) {
    const path = Array.isArray(loc) ? loc : String(loc ?? '').split('.');
    const name = String(path.at(-1) ?? '');
    if (name && !fields.has(name)) fields.set(name, fieldText(String(message)));
  }
  return fields;
}

/**
 * What the server says of a field, as a sentence of its own: "must not be empty" follows the name
 * of the field.
 */
function fieldText(message: string): string {
  return sentence(message.replace(/^(must|is|has) /, (verb) => `This ${verb}`));
}

function sentence(text: string): string {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
}

const TEXTS = new Map<string, string>([
  ['unreachable', 'The server cannot be reached. Check your connection and try again.'],
  ['username_taken', 'This username is taken. Choose another one.'],
  ['invalid_credentials', 'The username or the password is not right.'],
  ['weak_password', 'This password is too easy to guess. Choose a longer or less common one.'],
  ['invalid', 'Some of this is not valid. Check the marked fields.'],
  ['unauthorized', 'Your sign-in has expired. Log in again.'],
  ['not_found', 'This does not exist, or you may not see it.'],
  ['forbidden', 'You are not allowed to do this.'],
  ['signup_closed', 'Nobody can sign up here without an invitation.'],
  ['bad_invite', 'This invitation is not valid, or not any more. Ask for another one.'],
  ['already_set_up', 'This server is set up already. Log in, or ask for an invitation.'],
  [
    'bad_setup_link',
    'This is not the setup link of this server. The command “tailwire setup-link” prints it.',
  ],
  ['conflict', 'Something changed in the meantime. Reload and try again.'],
  ['deleted', 'The message was deleted meanwhile.'],
  ['reset', 'The server was restored from a backup, so this may be another message now.'],
  ['banned', 'You are banned from this room.'],
  ['archived', 'This room is archived, so nothing is written in it any more.'],
  ['blocked', 'You cannot reach them.'],
  ['slow_mode', 'This room is in slow mode.'],
  ['bad_emoji', 'This is not an emoji that the server knows.'],
  ['bad_offset', 'The upload has to go on at another place.'],
  ['ref_conflict', 'This message was already sent with another text.'],
  ['empty', 'The message is empty.'],
  ['misdirected', 'This server does not answer at this address.'],
  ['too_large', 'This is too large to send.'],
  ['timeout', 'The connection was too slow. Try again.'],
  ['limit', 'A limit of this server has been reached.'],
  ['rate_limited', 'Too many attempts.'],
  ['unavailable', 'The server is busy or restarting.'],
  ['indexing', 'Messages are being made ready to be searched.'],
  ['internal', 'The server had a problem. Try again.'],
]);

/** The text for an error code. `detail` is used for unknown codes. */
export function codeText(code: string, detail = ''): string {
  return TEXTS.get(code) ?? (detail ? sentence(detail) : 'Something went wrong. Try again.');
}

export function problemText(error: unknown): string {
  if (!(error instanceof Problem)) return codeText('internal');
  const text = codeText(error.code, error.detail);
  if (error.retryAfterSeconds === null) return text;
  return `${text} Try again in ${waitText(error.retryAfterSeconds)}.`;
}

export function waitText(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 60) return `${whole} second${whole === 1 ? '' : 's'}`;
  const minutes = Math.ceil(whole / 60);
  return `${minutes} minute${minutes === 1 ? '' : 's'}`;
}
