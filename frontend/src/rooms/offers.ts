/** What is offered while somebody writes a filter of a search. Pure. */

import type { PublicUser, Room } from 'tailwire-client/wire/protocol';
import { fitting, namesOf } from './finding';
import { type Filter, type Part, partsOf } from './query';
import type { Titles } from './titles';

/** A value of a filter, or a whole query that was searched for before. */
export type Offer =
  | { kind: 'recent'; text: string }
  | { kind: 'word'; value: string; says: string }
  | { kind: 'person'; value: string; user: PublicUser }
  | { kind: 'room'; value: string; room: Room };

interface OffersInput {
  /** The filter whose value is being written. */
  part: Part;
  rooms: readonly Room[];
  /** Who may have written what is looked for. */
  people: readonly PublicUser[];
  titles: Titles;
  features: ReadonlySet<string>;
}

const MOST_OFFERED = 8;
const ME = 'me';

interface Word {
  value: string;
  says: string;
  /** What the server must have for it. */
  feature?: string;
}

/** The values of filters that have few. */
export const WORDS: Partial<Record<Filter, readonly Word[]>> = {
  has: [
    { value: 'link', says: 'with a link' },
    { value: 'file', says: 'with a file', feature: 'files' },
    { value: 'pin', says: 'pinned', feature: 'pin' },
  ],
  is: [{ value: 'thread', says: 'a reply in a thread', feature: 'threads' }],
  mentions: [{ value: ME, says: 'that mention you', feature: 'mentions' }],
};

/** Nothing is offered where all of the value is written. */
export function offersFor({ part, rooms, people, titles, features }: OffersInput): Offer[] {
  const typed = part.value.replace(/^[@#]/, '');
  const offers = () => {
    switch (part.filter) {
      case 'from':
        return offersOfPeople(typed, people, titles);
      case 'in':
        return fitting(rooms, typed, (room) => namesOf(room, titles)).map(
          (room): Offer => ({ kind: 'room', value: nameInQuery(room, rooms, titles), room }),
        );
      default:
        return wordsOf(part.filter, typed, features);
    }
  };
  const found = offers().slice(0, MOST_OFFERED);
  const isWritten = ({ value }: { value: string }) =>
    value.toLowerCase() === part.value.toLowerCase();
  return found.some((one) => one.kind !== 'recent' && isWritten(one)) ? [] : found;
}

/** By what a query names a room: its name, where no other room of the user is called so. */
export function nameInQuery(room: Room, rooms: readonly Room[], titles: Titles): string {
  const others = titles.others(room);
  const [other] = others;
  if (room.kind === 'direct') return other && others.length === 1 ? `@${other.username}` : room.id;
  const isSame = ({ name }: Room) => name.toLowerCase() === room.name.toLowerCase();
  // A name with such a mark could not be read again.
  return rooms.filter(isSame).length > 1 || room.name.includes('"') ? room.id : room.name;
}

/** What a filter says to people, such as "From Ann". */
export function filterText(part: Part, dateText: (date: string) => string): string {
  const { filter, value, isExcluded } = part;
  const says = WORDS[filter ?? 'from']?.find((word) => word.value === value.toLowerCase())?.says;
  const text = {
    from: `from ${value}`,
    in: `in ${value}`,
    after: `since ${dateText(value)}`,
    before: `before ${dateText(value)}`,
    has: says ?? `has ${value}`,
    is: says ?? `is ${value}`,
    mentions: says ?? `mentions ${value}`,
  }[filter ?? 'from'];
  return isExcluded ? `not ${text}` : text.charAt(0).toUpperCase() + text.slice(1);
}

/** The filters of a query that are written out. */
export function filtersIn(query: string): Part[] {
  return partsOf(query).filter(({ filter, value }) => filter && value);
}

function offersOfPeople(typed: string, people: readonly PublicUser[], titles: Titles): Offer[] {
  const named = fitting(people, typed, (user) => [user.username, titles.nameOf(user)]);
  const offers = named.map((user): Offer => ({ kind: 'person', value: user.username, user }));
  const me: Offer = { kind: 'word', value: ME, says: 'what you wrote' };
  return ME.startsWith(typed.toLowerCase()) ? [me, ...offers] : offers;
}

function wordsOf(filter: Filter | null, typed: string, features: ReadonlySet<string>): Offer[] {
  const words = (filter && WORDS[filter]) || [];
  return words
    .filter(
      ({ value, feature }) =>
        value.startsWith(typed.toLowerCase()) && (!feature || features.has(feature)),
    )
    .map(({ value, says }) => ({ kind: 'word', value, says }));
}
