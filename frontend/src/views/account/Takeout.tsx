import { useEffect, useRef, useState } from 'preact/hooks';
import { problemText } from 'tailwire-client/wire/problem';
import { sizeText } from '../../browser/sizes';
import { useAccount } from '../parts/context';
import { ErrorLine } from '../parts/Outcome';

const FILE_NAME = 'tailwire-export.jsonl';

type State =
  | { name: 'idle' }
  | { name: 'running'; bytes: number }
  | { name: 'done'; bytes: number }
  | { name: 'failed'; text: string };

/** Saves everything of the user as a file. */
export function Takeout() {
  const { takeout } = useAccount();
  const [state, setState] = useState<State>({ name: 'idle' });
  const running = useRef<AbortController | null>(null);
  // A user who leaves this page no longer wants the file.
  useEffect(() => () => running.current?.abort(), []);

  const start = async () => {
    const abort = new AbortController();
    running.current = abort;
    setState({ name: 'running', bytes: 0 });
    try {
      const file = await takeout.fetch(
        (bytes) => setState({ name: 'running', bytes }),
        abort.signal,
      );
      if (abort.signal.aborted) return;
      save(file);
      setState({ name: 'done', bytes: file.size });
    } catch (error) {
      if (!abort.signal.aborted) setState({ name: 'failed', text: problemText(error) });
    }
  };
  const stop = () => {
    running.current?.abort();
    setState({ name: 'idle' });
  };

  return (
    <div class="form">
      <p>
        One file with your account, where you are logged in, the rooms you belong to and all you
        wrote: JSON, one record a line.
      </p>
      <div role="status" class="form-alert">
        {state.name === 'running' && (
          <p class="takeout-progress">
            <progress aria-label="Export" /> {sizeText(state.bytes)} so far
          </p>
        )}
        {state.name === 'done' && (
          <p class="callout good">
            {FILE_NAME} is saved, {sizeText(state.bytes)} in all.
          </p>
        )}
      </div>
      <ErrorLine
        text={state.name === 'failed' ? `The export did not come whole. ${state.text}` : ''}
      />
      <div class="form-actions">
        {state.name === 'running' ? (
          <button type="button" class="button" key="stop" onClick={stop}>
            Cancel
          </button>
        ) : (
          <button type="button" class="button primary" key="start" onClick={() => void start()}>
            {state.name === 'idle' ? 'Export' : 'Export again'}
          </button>
        )}
      </div>
    </div>
  );
}

function save(file: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = FILE_NAME;
  link.click();
  // The browser has started the download by the next turn of the event loop.
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}
