import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isCoarse, onKeys } from '../../browser/keys';
import { roomHash } from '../../browser/router';
import { asksForSomething, searchHash } from '../../rooms/query';
import { Search } from '../../rooms/search';
import { useApp, useSession } from '../parts/context';
import { Icon } from '../parts/Icon';
import { Filters } from './Filters';
import { focusFound, Results } from './Results';
import { SearchBox } from './SearchBox';
import { SearchHelpButton } from './SearchHelp';

interface SearchPlaceProps {
  /** What the address asks for. */
  text: string;
  room: string | null;
}

/** Finds messages: in one room, or in all of the user's. */
export function SearchPlace(props: SearchPlaceProps) {
  const session = useSession();
  const [search] = useState(() => {
    session.search.value ??= new Search(session);
    return session.search.peek() as Search;
  });
  return (
    <section class="place" aria-labelledby="search-title">
      <header class="place-head">
        <a class="icon-button back" href="#/" aria-label="Back to your rooms">
          <Icon name="back" />
        </a>
        <h1 id="search-title" class="search-title">
          Search
        </h1>
        <SearchHelpButton />
      </header>
      <Searching {...props} search={search} />
    </section>
  );
}

function Searching({ text, room, search }: SearchPlaceProps & { search: Search }) {
  const { router } = useApp();
  const { connection } = useSession();
  const field = useRef<HTMLInputElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const { isLive } = connection;
  // What is typed next goes on with the query.
  const toField = () => {
    const end = field.current?.value.length ?? 0;
    field.current?.focus();
    field.current?.setSelectionRange(end, end);
  };

  // Who comes back from a message goes on from there.
  useLayoutEffect(() => {
    const { opened } = search;
    if (!opened || !focusFound(place.current, opened)) toField();
  }, []);
  useLayoutEffect(() => {
    if (asksForSomething(text)) search.show({ text, room_id: room });
    else search.clear();
    if (room) search.origin.value = room;
  }, [search, text, room]);
  // What failed without a connection is tried again with it.
  useEffect(() => {
    if (isLive && search.problem.peek()?.status === 0) void search.again();
  }, [search, isLive]);
  useEffect(() => {
    const onKey = onKeys((event) => {
      const input = field.current;
      // This listens a moment longer than the field is there.
      if (!input || !isSearchKey(event) || document.querySelector('dialog[open]')) return;
      event.preventDefault();
      // Elsewhere this key leads here.
      event.stopImmediatePropagation();
      input.select();
    });
    document.addEventListener('keydown', onKey, true);
    return () => document.removeEventListener('keydown', onKey, true);
  }, []);

  const go = (wanted: string, where = room) => {
    const asked = wanted.replace(/\s+/g, ' ').trim();
    if (asked === text && where === room && search.query.peek())
      search.find({ text, room_id: room });
    else router.go(searchHash(asked, where));
  };
  const leave = () => {
    const origin = search.origin.peek();
    if (origin) router.go(roomHash(origin));
  };
  return (
    <div class="browse found-place" ref={place}>
      <SearchBox
        {...{ field, text, room, search }}
        onSearch={go}
        onDown={() => focusFound(place.current)}
        onLeave={leave}
      />
      <Filters
        {...{ field, text, room, search }}
        onSearch={go}
        onGone={() => isCoarse() || toField()}
      />
      <Results {...{ search, room }} onUp={toField} onEverywhere={() => go(text, null)} />
    </div>
  );
}

function isSearchKey({ key, ctrlKey, metaKey, shiftKey, altKey }: KeyboardEvent): boolean {
  return (ctrlKey || metaKey) && shiftKey && !altKey && key.toLowerCase() === 'f';
}
