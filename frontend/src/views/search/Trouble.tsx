import { type Problem, problemText, waitText } from 'tailwire-client/wire/problem';
import { useSession } from '../parts/context';
import { LoadFailure } from '../parts/LoadFailure';

/** Says why nothing, or no more, was found, and whether it goes on by itself. */
export function Trouble({ problem, onAgain }: { problem: Problem; onAgain(): void }) {
  const { connection } = useSession();
  const { code, detail, done, fields, retryAfterSeconds, status } = problem;
  if (code === 'indexing')
    return (
      <div class="found-trouble" role="status">
        <p>The messages are being made ready for the search. It goes on by itself.</p>
        <progress max={1} value={done ?? undefined} aria-label="Messages that are ready" />
      </div>
    );
  if (code === 'rate_limited')
    return (
      <p class="found-trouble" role="status">
        You have searched very often. This goes on by itself in {waitText(retryAfterSeconds ?? 1)}.
      </p>
    );
  if (status === 0 && !connection.isLive)
    return (
      <p class="found-trouble" role="status">
        There is no connection to the server. The search goes on as soon as there is.
      </p>
    );
  if (code === 'invalid')
    return (
      <p class="callout danger" role="alert">
        {fields.get('q') ?? 'This is not a query that can be searched for.'}
      </p>
    );
  if (code === 'not_found')
    return (
      <p class="callout danger" role="alert">
        You are not in this room.
      </p>
    );
  // The server says how to ask for less.
  const error = code === 'unavailable' && detail ? detail : problemText(problem);
  return <LoadFailure error={error} onAgain={onAgain} />;
}
