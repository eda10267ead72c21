import { useRef, useState } from 'preact/hooks';
import { problemText } from '../../wire/problem';

interface Work {
  busy: boolean;
  /** Why the last piece of work failed. It is empty when it did not. */
  error: string;
  /** What is done by it. It is empty when it failed. */
  done: string;
  /**
   * Does one piece of work, and says `done` after it. Answers whether it is done. While one is
   * being done, no other begins.
   */
  run(work: () => Promise<unknown>, done?: string): Promise<boolean>;
}

const IDLE = { busy: false, error: '', done: '' };

/** Work that a button starts, one piece at a time, and what came of the last. */
export function useWork(): Work {
  // A button may be pressed twice before the next rendering, so this is no state.
  const working = useRef(false);
  const [state, setState] = useState(IDLE);
  const run = async (work: () => Promise<unknown>, done = '') => {
    if (working.current) return false;
    working.current = true;
    setState({ ...IDLE, busy: true });
    const error = await work().then(() => '', problemText);
    working.current = false;
    setState({ ...IDLE, ...(error ? { error } : { done }) });
    return !error;
  };
  return { ...state, run };
}
