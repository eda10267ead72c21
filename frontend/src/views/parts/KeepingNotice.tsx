import type { Keeping } from '../../browser/storage';
import { useApp } from './context';

const WORDS: Record<Keeping, string | null> = {
  kept: null,
  full: 'Your browser has no space left for this page. Drafts and unsent messages are lost when you close or reload it.',
  blocked:
    'Your browser keeps no data for this page. When you close or reload it, you are logged out, and drafts and unsent messages are lost.',
};

/** Says that the browser does not keep what the page stores. */
export function KeepingNotice({ look }: { look: string }) {
  const words = WORDS[useApp().keeping.value];
  return (
    words && (
      <p class={look} role="status">
        {words}
      </p>
    )
  );
}
