import { useRef, useState } from 'preact/hooks';
import { problemText } from 'tailwire-client/wire/problem';

export interface Work {
  busy: boolean;
  /** Why a piece of work failed. It is empty when none did. */
  error: string;
  /** What is done by the last piece of work. It is empty when that failed. */
  done: string;
  /**
   * Does one piece of work, and says `done` after it. Answers whether it is done. What is begun
   * while another piece is being done waits for its turn, and is not lost.
   */
  run(work: () => Promise<unknown>, done?: string): Promise<boolean>;
}

interface State {
  /** How many pieces of work are being done or wait. */
  pieces: number;
  error: string;
  done: string;
}

const IDLE: State = { pieces: 0, error: '', done: '' };

/** Work that buttons start, one piece after the other, and what came of it. */
export function useWork(): Work {
  const last = useRef<Promise<unknown>>(Promise.resolve());
  const [{ pieces, error, done }, setState] = useState(IDLE);
  const run = (work: () => Promise<unknown>, said = '') => {
    // A failure stays to be read until something is begun after all is done.
    setState((state) => ({ ...(state.pieces > 0 ? state : IDLE), pieces: state.pieces + 1 }));
    const piece = last.current.then(async () => {
      const failure = await work().then(() => '', problemText);
      setState((state) => ({
        pieces: state.pieces - 1,
        error: failure || state.error,
        done: failure ? '' : said,
      }));
      return !failure;
    });
    last.current = piece;
    return piece;
  };
  return { busy: pieces > 0, error, done, run };
}
