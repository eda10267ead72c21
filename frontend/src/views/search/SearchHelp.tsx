import { useState } from 'preact/hooks';
import { useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';

interface Line {
  query: string;
  says: string;
  /** What the server must have for it. */
  feature?: string;
}

// docs/protocol.md, *Search*.
const LINES: readonly Line[] = [
  { query: 'green tea', says: 'Both words, in any order' },
  { query: '"green tea"', says: 'These words, one after the other' },
  { query: 'gard*', says: 'Words that begin so' },
  { query: 'tea -milk', says: 'With the one word, and without the other' },
  { query: 'from:ann', says: 'What Ann wrote; from:me for what you wrote' },
  { query: 'in:garden', says: 'In this room; in:@ann for your direct room' },
  { query: 'after:2026-11-01', says: 'On this day or later; a month or a year will do' },
  { query: 'before:2026-12', says: 'Before this day, month or year' },
  { query: 'has:link', says: 'With a link' },
  { query: 'has:file', says: 'With a file', feature: 'files' },
  { query: 'has:pin', says: 'Pinned', feature: 'pin' },
  { query: 'is:thread', says: 'Replies in threads', feature: 'threads' },
  { query: 'mentions:me', says: 'That mention you', feature: 'mentions' },
  { query: '-from:ann', says: 'A minus before a filter turns it around' },
];

/** How a query is written. */
export function SearchHelp() {
  const { features } = useSession();
  return (
    <div class="search-help">
      <p>Capital letters and accents make no difference. The newest messages come first.</p>
      <dl class="keys">
        {LINES.filter(({ feature }) => !feature || features.value.has(feature)).map(
          ({ query, says }) => (
            <div key={query}>
              <dt>{says}</dt>
              <dd>
                <code>{query}</code>
              </dd>
            </div>
          ),
        )}
      </dl>
    </div>
  );
}

export function SearchHelpButton() {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        class="icon-button"
        aria-label="How to search"
        title="How to search"
        onClick={() => setOpen(true)}
      >
        <span aria-hidden="true">?</span>
      </button>
      {isOpen && (
        <Dialog title="How to search" onClose={() => setOpen(false)}>
          <SearchHelp />
        </Dialog>
      )}
    </>
  );
}
