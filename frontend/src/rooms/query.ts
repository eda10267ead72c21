/** The language in which people search: words, and filters such as `from:ann` and `before:2026-11-29`. Pure. */

// docs/protocol.md, *Search*.
export const FILTERS = ['from', 'in', 'after', 'before', 'has', 'is', 'mentions'] as const;
export type Filter = (typeof FILTERS)[number];

/** A word, a phrase or a filter of a query, and where it stands there. */
export interface Part {
  from: number;
  to: number;
  /** Null for a word or a phrase. */
  filter: Filter | null;
  /** Without quotation marks; of a filter what follows the colon. */
  value: string;
  /** Whether it is what is not to be found. */
  isExcluded: boolean;
}

// As the server reads it (api/search/query.py). A quotation that is not closed goes on to the end.
const PART = new RegExp(
  String.raw`(-?)(?:(${FILTERS.join('|')})[:：])?(?:"([^"]*)(?:"\*?|$)|([^\s"]*))`,
  'giu',
);
const QUOTES = /[“”„‟«»＂]/g;
// Of these a query has one at most. Of several people, or rooms, it finds what any of them has.
const SINGLE: readonly Filter[] = ['after', 'before'];

export function partsOf(query: string): Part[] {
  return [...query.replace(QUOTES, '"').matchAll(PART)]
    .filter(([all]) => all !== '')
    .map(({ 0: all, 1: minus, 2: filter, 3: quoted, 4: word = '', index }) => ({
      from: index,
      to: index + all.length,
      filter: (filter?.toLowerCase() as Filter | undefined) ?? null,
      value: quoted ?? word,
      isExcluded: minus === '-',
    }));
}

/** What a filter is set to; nothing where the query does not have it. */
export function valuesOf(query: string, filter: Filter): string[] {
  return partsOf(query)
    .filter((part) => part.filter === filter && !part.isExcluded && part.value)
    .map(({ value }) => value);
}

/** The query with a filter more. It takes the place of another one, where there can be one only. */
export function withFilter(query: string, filter: Filter, value: string): string {
  const kept = SINGLE.includes(filter)
    ? without(query, (part) => part.filter === filter)
    : without(query, (part) => part.filter === filter && part.value === value);
  return joined(kept, `${filter}:${quotedIfNeeded(value)}`);
}

/** The query with a filter that begins at its end, whose value is still to be written. */
export function withBegun(query: string, filter: Filter): string {
  return joined(
    without(query, (part) => part.filter === filter && !part.value),
    `${filter}:`,
  );
}

/** The filter whose value is being written where the caret stands; null where it is none. */
export function begunAt(query: string, caret: number): Part | null {
  const part = partsOf(query).find(({ from, to }) => from < caret && caret <= to);
  return part?.filter ? part : null;
}

/** The query with another value of one of its parts, and where the caret stands behind it. */
export function completed(
  query: string,
  part: Part,
  value: string,
): { text: string; caret: number } {
  const sign = part.isExcluded ? '-' : '';
  const head = `${query.slice(0, part.from)}${sign}${part.filter}:${quotedIfNeeded(value)} `;
  return { text: head + query.slice(part.to).trimStart(), caret: head.length };
}

/** The address of the page that shows what a query finds, in one room or in all. */
export function searchHash(query: string, room?: string | null): string {
  const asked = new URLSearchParams({ ...(query && { q: query }), ...(room && { room }) });
  return `#/search${query || room ? `?${asked}` : ''}`;
}

/** Whether there is anything to look for. */
export function asksForSomething(query: string): boolean {
  return partsOf(query).some(({ value }) => value !== '');
}

/** The query without some of its parts. */
export function without(query: string, drops: (part: Part) => boolean): string {
  let kept = query;
  for (const part of partsOf(query).reverse())
    if (drops(part)) kept = joined(kept.slice(0, part.from), kept.slice(part.to));
  return kept;
}

function joined(...texts: string[]): string {
  return texts
    .map((text) => text.trim())
    .filter(Boolean)
    .join(' ');
}

function quotedIfNeeded(value: string): string {
  return /\s/.test(value) ? `"${value.replaceAll('"', '')}"` : value;
}
