import { useEffect, useState } from 'preact/hooks';

/** A window that has place for one pane only. The styles have the same width. */
export const NARROW = '(max-width: 44rem)';

/** A window that has place for the members beside the conversation. In any other they cover it. */
export const WIDE = '(min-width: 72rem)';

/** Whether a media query holds. The view is drawn again when that changes. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => window.matchMedia(query).matches);
  useEffect(() => {
    const list = window.matchMedia(query);
    const look = () => setMatches(list.matches);
    look();
    list.addEventListener('change', look);
    return () => list.removeEventListener('change', look);
  }, [query]);
  return matches;
}
