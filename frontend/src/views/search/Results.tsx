import { useEffect, useRef, useState } from 'preact/hooks';
import { hasModifier, onKeys } from '../../browser/keys';
import { keyOf, type Search } from '../../rooms/search';
import { useSession } from '../parts/context';
import { FoundItem } from './FoundItem';
import { SearchHelp } from './SearchHelp';
import { Trouble } from './Trouble';

// So long before the end is reached, the next page is asked for.
const AHEAD_PIXELS = 600;
const LINKS = '.found-link';

interface ResultsProps {
  search: Search;
  room: string | null;
  /** Goes up to where the query is written. */
  onUp(): void;
  onEverywhere(): void;
}

/** What was found, the newest first; older messages come as one scrolls. */
export function Results({ search, room, onUp, onEverywhere }: ResultsProps) {
  const { blocks, rooms } = useSession();
  const [current, setCurrent] = useState('');
  const list = useRef<HTMLOListElement>(null);
  const state = search.state.value;
  const hasMore = search.hasMore.value;
  const problem = search.problem.value;
  const isLeft = (room_id: string) => rooms.loaded.value && !rooms.get(room_id);
  // Rooms are left, and people are blocked, also while this is shown.
  const items = search.items.value.filter(
    ({ room_id, user_id }) => !isLeft(room_id) && !blocks.has(user_id),
  );
  if (!search.query.value) return <SearchHelp />;
  const reached = items.some((one) => keyOf(one) === current)
    ? current
    : items[0] && keyOf(items[0]);
  const onKeyDown = onKeys((event) => {
    const links = [...(list.current?.querySelectorAll<HTMLElement>(LINKS) ?? [])];
    const at = links.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (event.key === 'Escape' || to === -1) onUp();
    else if (to !== undefined && !hasModifier(event))
      links[Math.min(to, links.length - 1)]?.focus();
    else return;
    event.preventDefault();
  });
  return (
    <>
      <p role="status" class="found-count">
        {countText(items.length, state, hasMore)}
      </p>
      <ol
        ref={list}
        class="found"
        aria-label="What was found"
        aria-busy={state === 'loading'}
        onKeyDown={onKeyDown}
        onFocusCapture={({ target }) => {
          const { key } = (target as HTMLElement).dataset;
          if (key) setCurrent(key);
        }}
      >
        {items.map((message) => (
          <FoundItem
            key={keyOf(message)}
            message={message}
            terms={search.terms.value}
            isReached={keyOf(message) === reached}
            onOpen={() => {
              search.opened = keyOf(message);
            }}
          />
        ))}
      </ol>
      {problem && <Trouble problem={problem} onAgain={() => void search.again()} />}
      {state === 'loaded' && items.length === 0 && !hasMore && (
        <p class="browse-none">
          Nothing was found. Words are found whole: <kbd>wor*</kbd> finds what begins so.{' '}
          {room && (
            <button type="button" class="link-button" onClick={onEverywhere}>
              Search everywhere
            </button>
          )}
        </p>
      )}
      {hasMore && !problem && (
        <End key={`${items.length} ${state}`} onSeen={() => void search.more()} />
      )}
    </>
  );
}

/** Moves the focus to a message that was found: the one that `key` names, or the one that the Tab key reaches. */
export function focusFound(place: HTMLElement | null, key?: string): boolean {
  const links = [...(place?.querySelectorAll<HTMLElement>(LINKS) ?? [])];
  const wanted = links.find((link) => (key ? link.dataset.key === key : link.tabIndex === 0));
  wanted?.focus();
  return wanted !== undefined;
}

/** The end of the list. It tells when it is nearly seen. */
function End({ onSeen }: { onSeen(): void }) {
  const end = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    const element = end.current;
    if (!element) return;
    const watcher = new IntersectionObserver(
      (entries) => entries.some(({ isIntersecting }) => isIntersecting) && onSeen(),
      { root: element.closest('.browse'), rootMargin: `${AHEAD_PIXELS}px` },
    );
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  return (
    <p ref={end} class="browse-none">
      Loading older messages…
    </p>
  );
}

function countText(count: number, state: string, hasMore: boolean): string {
  if (state === 'loading' && count === 0) return 'Searching…';
  if (count === 0) return state === 'loaded' && !hasMore ? 'No messages' : '';
  const messages = `${count} message${count === 1 ? '' : 's'}`;
  return hasMore ? `${messages}, and older ones below` : messages;
}
