import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem, problemText, waitText } from '../problem';

export interface FormState {
  busy: boolean;
  /** About the whole form; empty while everything is said at the fields. */
  error: string;
  /** While the server wants nothing more of us, it stays disabled and counts down. */
  waiting: boolean;
  fieldError(name: string): string | undefined;
  submit(event: Event): void;
}

// Codes that are about one field, wherever the server does not name it.
const FIELD_OF_CODE = new Map([
  ['username_taken', 'username'],
  ['weak_password', 'password'],
]);

/** One submission at a time, its errors put where they belong, and rate limits counted down. */
export function useForm(names: readonly string[], send: () => Promise<void>): FormState {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
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
      if (names.includes(name)) fields.set(name, message);
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

  return {
    busy,
    error,
    waiting,
    fieldError: (name) => fields.get(name),
    submit(event) {
      event.preventDefault();
      if (busy || waiting) return;
      form.current = event.currentTarget as HTMLFormElement;
      setBusy(true);
      setProblem(null);
      send().then(
        () => setBusy(false),
        (reason) => {
          setBusy(false);
          setProblem(reason);
          if (reason instanceof Problem) setSeconds(Math.ceil(reason.retryAfterSeconds ?? 0));
        },
      );
    },
  };
}
