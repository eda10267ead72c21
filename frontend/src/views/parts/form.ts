import { useEffect, useRef, useState } from 'preact/hooks';
import { type FieldError, Problem, problemText, waitText } from '../../wire/problem';

export interface FormState {
  busy: boolean;
  /** About the whole form; empty while everything is said at the fields. */
  error: string;
  /** While the server wants nothing more of us, it stays disabled and counts down. */
  waiting: boolean;
  /** What a field of this name is given. */
  field(name: string): { name: string; error: string | undefined };
  /** Something was typed: what was wrong with that field is no longer what is there. */
  input(event: Event): void;
  submit(event: Event): void;
}

// Codes that are about one field, wherever the server does not name it.
const FIELD_OF_CODE = new Map([
  ['username_taken', 'username'],
  ['weak_password', 'password'],
]);

const WRONG_PASSWORD = 'This is not your password.';

interface FormOptions {
  /** The names of its fields. */
  names: readonly string[];
  /** What the form itself can tell to be wrong; then nothing is sent. */
  check(): FieldError[];
  send(): Promise<void>;
}

/** One submission at a time, its errors put where they belong, and rate limits counted down. */
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

  // Whoever cannot see the mark is taken to it.
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

/** For `check`: the first error of a field is the one that is shown. */
export function wrongIf(wrong: boolean, loc: string, message: string): FieldError[] {
  return wrong ? [{ loc, message }] : [];
}
