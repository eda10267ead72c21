import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type FieldError, Problem, problemText, waitText } from 'tailwire-client/wire/problem';
import { codePoints, tooLongText } from '../../browser/text';

export interface FormState {
  busy: boolean;
  /** The error about the whole form. It is empty when each error belongs to a field. */
  error: string;
  /** The server limits the rate. The form stays disabled and counts down. */
  waiting: boolean;
  /** The properties of the field with this name. */
  field(name: string): { name: string; error: string | undefined };
  /** The user typed, so the error of that field no longer applies. */
  input(event: Event): void;
  submit(event: Event): void;
}

// These codes are about one field, also when the server does not name it.
const FIELD_OF_CODE = new Map([
  ['username_taken', 'username'],
  ['weak_password', 'password'],
]);

const WRONG_PASSWORD = 'This is not your password.';

/** What the fields of a form hold, by name. A field that is not there is empty. */
export type Fields<Name extends string> = Readonly<Record<Name, string>>;

interface FormOptions<Name extends string> {
  /** The names of the form's fields. */
  names: readonly Name[];
  /** The most characters that these fields take. Beyond it, each letter typed says by how many. */
  limits?: Partial<Record<Name, number>>;
  /** The errors that the form finds by itself. With any error, nothing is sent. */
  check?(fields: Fields<Name>): FieldError[];
  send(fields: Fields<Name>): Promise<void>;
}

/**
 * The state of a form. It reads the fields when the form is submitted, sends once at a time, puts
 * errors at their fields, and counts down a rate limit.
 *
 * The fields keep their values themselves. A copy of them in the state would be as old as the last
 * rendering, and would not know what a password manager filled in without an event.
 */
export function useForm<Name extends string>(options: FormOptions<Name>): FormState {
  const { send } = options;
  // As texts: the names of a server's errors and of an event's target may be any.
  const names: readonly string[] = options.names;
  const limits = new Map<string, number | undefined>(Object.entries(options.limits ?? {}));
  // Two submits may come before the next rendering, so this is no state.
  const sending = useRef(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [mended, setMended] = useState<readonly string[]>([]);
  const [seconds, setSeconds] = useState(0);
  const [excess, setExcess] = useState<Readonly<Record<string, number>>>({});
  const form = useRef<HTMLFormElement | null>(null);

  useEffect(() => {
    if (seconds <= 0) return;
    const timer = setTimeout(() => setSeconds(seconds - 1), 1000);
    return () => clearTimeout(timer);
  }, [seconds]);

  const fields = new Map<string, string>();
  if (problem instanceof Problem) {
    for (const [name, message] of problem.fields)
      if (names.includes(name))
        fields.set(name, problem.code === 'invalid_credentials' ? WRONG_PASSWORD : message);
    const field = FIELD_OF_CODE.get(problem.code);
    if (field && names.includes(field)) fields.set(field, problemText(problem));
  }

  // The focus moves to the first wrong field, so that a user of a screen reader finds it.
  // It moves with the drawing of the error, and not after it, when the user may be in another field.
  useLayoutEffect(() => {
    if (problem) form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus();
  }, [problem]);

  const limited = problem instanceof Problem && problem.retryAfterSeconds !== null;
  const waiting = limited && seconds > 0;
  let error = '';
  if (waiting)
    error = `${problem.code === 'rate_limited' ? 'Too many attempts.' : 'The server is busy.'} Try again in ${waitText(seconds)}.`;
  else if (problem && !limited && fields.size === 0) error = problemText(problem);

  const failed = (reason: unknown) => {
    setMended([]);
    setProblem(reason);
  };

  return {
    busy,
    error,
    waiting,
    field(name) {
      const error = mended.includes(name) ? undefined : fields.get(name);
      return { name, error: excess[name] ? excessText(excess[name]) : error };
    },
    input(event) {
      const { name, value } = event.target as HTMLInputElement;
      if (fields.has(name)) setMended([...mended, name]);
      const count = excessOf(value, limits.get(name));
      if (count !== (excess[name] ?? 0)) setExcess({ ...excess, [name]: count });
    },
    submit(event) {
      event.preventDefault();
      if (sending.current || waiting) return;
      form.current = event.currentTarget as HTMLFormElement;
      const fields = fieldsIn(form.current, options.names);
      const long = options.names.flatMap((name) => {
        const count = excessOf(fields[name], limits.get(name));
        return wrongIf(count > 0, name, excessText(count));
      });
      const errors = [...(options.check?.(fields) ?? []), ...long];
      if (errors.length > 0) return failed(new Problem({ code: 'invalid', errors }));
      const settle = (now: boolean) => {
        sending.current = now;
        setBusy(now);
      };
      settle(true);
      setProblem(null);
      send(fields).then(
        () => settle(false),
        (reason) => {
          settle(false);
          failed(reason);
          if (reason instanceof Problem) setSeconds(Math.ceil(reason.retryAfterSeconds ?? 0));
        },
      );
    },
  };
}

function excessOf(value: string, limit: number | undefined): number {
  return limit === undefined ? 0 : Math.max(0, codePoints(value.trim()) - limit);
}

function excessText(count: number): string {
  return `This is ${tooLongText(count)}.`;
}

function fieldsIn<Name extends string>(
  form: HTMLFormElement,
  names: readonly Name[],
): Fields<Name> {
  const data = new FormData(form);
  const values = names.map((name) => [name, String(data.get(name) ?? '')] as const);
  return Object.fromEntries(values) as Record<Name, string>;
}

/** A row for `check`. When a field has several errors, the first one is shown. */
export function wrongIf(wrong: boolean, loc: string, message: string): FieldError[] {
  return wrong ? [{ loc, message }] : [];
}
