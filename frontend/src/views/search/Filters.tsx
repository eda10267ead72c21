import type { RefObject } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { dayText } from '../../browser/time';
import { filtersIn, filterText, WORDS } from '../../rooms/offers';
import { type Filter, type Part, withBegun, withFilter, without } from '../../rooms/query';
import type { Search } from '../../rooms/search';
import { useSession } from '../parts/context';
import { Icon } from '../parts/Icon';

interface FiltersProps {
  field: RefObject<HTMLInputElement | null>;
  text: string;
  room: string | null;
  search: Search;
  onSearch(text: string, room?: string | null): void;
  /** What had the focus is gone. */
  onGone(): void;
}

// Nobody wrote messages before. What is typed of a later year has fewer digits at first, and is not meant yet.
const FIRST_DAY = '2000-01-01';

/** Where is searched, the filters of the query, and those that can be added. They read and write its text. */
export function Filters({ field, text, room, search, onSearch, onGone }: FiltersProps) {
  const { features, rooms, titles } = useSession();
  const [dating, setDating] = useState<'after' | 'before' | null>(null);
  const place = useRef<HTMLFieldSetElement>(null);
  const here = rooms.get(room ?? search.origin.value ?? '');
  const parts = filtersIn(text);
  const has = (filter: Filter, value?: string) =>
    parts.some((part) => part.filter === filter && (value === undefined || part.value === value));
  // What was typed and not searched for yet is not lost.
  const written = () => field.current?.value ?? text;
  const set = (wanted: string) => {
    if (field.current) field.current.value = wanted;
    onSearch(wanted);
    // The button that was pressed is gone.
    onGone();
  };
  const add = (filter: Filter, value: string) => set(withFilter(written(), filter, value));
  const remove = ({ filter, value }: Part) => {
    const is = (other: Part) => other.filter === filter && other.value === value;
    set(without(written(), is));
  };
  const begin = (filter: Filter) => {
    const input = field.current;
    if (!input) return;
    input.value = withBegun(input.value, filter);
    input.focus();
    input.setSelectionRange(input.value.length, input.value.length);
    input.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const begun = (['from', 'in'] as const).filter(
    (filter) => !has(filter) && !(filter === 'in' && room),
  );
  const days = (['after', 'before'] as const).filter((filter) => !has(filter));
  const words = (['has', 'is', 'mentions'] as const).flatMap((filter) =>
    (WORDS[filter] ?? [])
      .filter(
        ({ value, feature }) => !has(filter, value) && (!feature || features.value.has(feature)),
      )
      .map((word) => ({ filter, ...word })),
  );
  return (
    <fieldset class="filters" ref={place}>
      <legend class="visually-hidden">Filters</legend>
      {here &&
        [null, here.id].map((id) => (
          <button
            key={id}
            type="button"
            class="filter"
            aria-pressed={room === id}
            onClick={() => onSearch(written(), id)}
          >
            {id === null ? 'Everywhere' : <bdi>In {titles.of(here)}</bdi>}
          </button>
        ))}
      {parts.map((part) => (
        <button
          key={`${part.filter} ${part.value}`}
          type="button"
          class="filter set"
          aria-label={`Remove the filter: ${filterText(part, dayText)}`}
          onClick={() => remove(part)}
        >
          <bdi>{filterText(part, dayText)}</bdi>
          <Icon name="close" size={14} />
        </button>
      ))}
      {begun.map((filter) => (
        <button key={filter} type="button" class="filter" onClick={() => begin(filter)}>
          {filter === 'from' ? 'From…' : 'In…'}
        </button>
      ))}
      {days.map((filter) =>
        dating === filter ? (
          <input
            key={filter}
            ref={(input) => input?.focus()}
            class="filter"
            type="date"
            min={FIRST_DAY}
            aria-label={filter === 'after' ? 'Since this day' : 'Before this day'}
            onChange={({ currentTarget: { value, validity } }) => {
              if (!value || !validity.valid) return;
              add(filter, value);
              setDating(null);
            }}
            onBlur={() => setDating(null)}
          />
        ) : (
          <button key={filter} type="button" class="filter" onClick={() => setDating(filter)}>
            {filter === 'after' ? 'Since…' : 'Before…'}
          </button>
        ),
      )}
      {words.map(({ filter, value, says }) => (
        <button
          key={`${filter} ${value}`}
          type="button"
          class="filter"
          onClick={() => add(filter, value)}
        >
          {says.charAt(0).toUpperCase() + says.slice(1)}
        </button>
      ))}
    </fieldset>
  );
}
