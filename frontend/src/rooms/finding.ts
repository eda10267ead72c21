/** Finds names by what somebody types of them. Pure. */
import type { Room } from 'tailwire-client/wire/protocol';
import type { Titles } from './titles';

const WORDS = /[\s,._-]+/;

/** Letters as they are compared: without case, accents and compatibility forms, and with ss for the German ß. */
export function plain(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ß', 'ss');
}

/**
 * How well one of some names fits what was typed, in plain letters: 0 where it begins so, 1 where a word of it does, 2
 * where it is somewhere in it, and null where it is not.
 */
export function fitOf(names: readonly string[], wanted: string): number | null {
  const plains = names.map(plain);
  if (plains.some((name) => name.startsWith(wanted))) return 0;
  if (plains.some((name) => name.split(WORDS).some((word) => word.startsWith(wanted)))) return 1;
  return plains.some((name) => name.includes(wanted)) ? 2 : null;
}

/** Those that fit what was typed, the best ones first. Of equals the order stays. */
export function fitting<Item>(
  items: readonly Item[],
  typed: string,
  namesOf: (item: Item) => readonly string[],
): Item[] {
  const wanted = plain(typed.trim());
  return items
    .map((item) => ({ item, fit: fitOf(namesOf(item), wanted) }))
    .filter(({ fit }) => fit !== null)
    .sort((one, other) => (one.fit ?? 0) - (other.fit ?? 0))
    .map(({ item }) => item);
}

/** By what a room is found: what it is called, and the usernames of who is in a direct room. */
export function namesOf(room: Room, titles: Titles): string[] {
  return [titles.of(room), ...titles.others(room).map(({ username }) => username)];
}

/** Whether a room is one of those that somebody looks for; null where nothing is typed. */
export function finderOf(typed: string, titles: Titles): ((room: Room) => boolean) | null {
  const wanted = plain(typed.trim());
  return wanted ? (room) => fitOf(namesOf(room, titles), wanted) !== null : null;
}
