import { useCallback, useEffect, useState } from 'preact/hooks';

interface Loaded<T> {
  /** Null until it is loaded. */
  value: T | null;
  failed: boolean;
  again(): void;
}

/** Loads something when the view appears, and when `key` changes. */
export function useLoaded<T>(load: () => Promise<T>, key: unknown): Loaded<T> {
  const [state, setState] = useState<{ value: T | null; failed: boolean }>(LOADING);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let isWanted = true;
    setState(LOADING);
    load().then(
      (value) => isWanted && setState({ value, failed: false }),
      () => isWanted && setState({ value: null, failed: true }),
    );
    return () => {
      isWanted = false;
    };
  }, [key, attempt]);
  const again = useCallback(() => setAttempt((count) => count + 1), []);
  return { ...state, again };
}

const LOADING = { value: null, failed: false };
