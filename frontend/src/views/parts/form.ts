import { useEffect, useRef, useState } from 'preact/hooks';
import { type FieldError, Problem, problemText, waitText } from '../../wire/problem';

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

interface FormOptions {
  /** The names of the form's fields. */
  names: readonly string[];
  /** The errors that the form finds by itself. With any error, nothing is sent. */
  check(): FieldError[];
  send(): Promise<void>;
}

/**
 * The state of a form. It sends once at a time, puts errors at their fields, and counts down a rate
 * limit.
 */
export function useForm({ names, check, send }: FormOptions): FormState {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [mended, setMended] = useState<readonly string[]>([]);
  const [seconds, setSeconds] = useState(0);
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
  useEffect(() => {
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
    field: (name) => ({ name, error: mended.includes(name) ? undefined : fields.get(name) }),
    input(event) {
      const { name } = event.target as HTMLInputElement;
      if (fields.has(name)) setMended([...mended, name]);
    },
    submit(event) {
      event.preventDefault();
      if (busy || waiting) return;
      form.current = event.currentTarget as HTMLFormElement;
      const errors = check();
      if (errors.length > 0) return failed(new Problem({ code: 'invalid', errors }));
      setBusy(true);
      setProblem(null);
      send().then(
        () => setBusy(false),
        (reason) => {
          setBusy(false);
          failed(reason);
          if (reason instanceof Problem) setSeconds(Math.ceil(reason.retryAfterSeconds ?? 0));
        },
      );
    },
  };
}

/** A row for `check`. When a field has several errors, the first one is shown. */
export function wrongIf(wrong: boolean, loc: string, message: string): FieldError[] {
  return wrong ? [{ loc, message }] : [];
}
