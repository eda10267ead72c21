/** What is offered while somebody types a name or an emoji. Pure. */
import type { Member } from 'tailwire-client/wire/protocol';
import { fitOf, plain } from './finding';

/** The beginning of a name that is being typed, and where it begins. */
export interface Token {
  sign: '@' | ':';
  text: string;
  from: number;
}

export interface Person {
  user_id: string;
  username: string;
  display_name: string;
  avatar?: string | null;
}

// The longest username has 32 characters, and the longest name of an emoji is not much longer.
const TOKEN =
  /(?:^|[^\p{L}\p{M}\p{N}@])(?:@([\p{L}\p{N}][\p{L}\p{M}\p{N}._-]{0,31}|)|:([a-z0-9_+-]{2,40}))$/iu;
const LOOK_BACK = 48;
const MOST_OFFERED = 8;

/** What is being typed before `caret`; null where it is nothing that can be completed, or code. */
export function tokenAt(text: string, caret: number): Token | null {
  const start = Math.max(0, caret - LOOK_BACK);
  const [, name, emoji] = TOKEN.exec(text.slice(start, caret)) ?? [];
  const typed = name ?? emoji;
  if (typed === undefined || isInCode(text.slice(0, caret))) return null;
  return { sign: name === undefined ? ':' : '@', text: typed, from: caret - typed.length - 1 };
}

/** Whether the end of a text is in code: an odd number of backticks comes before it. */
function isInCode(text: string): boolean {
  const fences = text.split('```').length - 1;
  if (fences % 2 === 1) return true;
  const line = text.slice(text.lastIndexOf('\n') + 1).replaceAll('```', '');
  return (line.split('`').length - 1) % 2 === 1;
}

interface PeopleInput {
  /** What was typed. */
  text: string;
  people: readonly Person[];
  /** The ids of those who wrote in the room last, the last one first. */
  recent: readonly string[];
}

/**
 * The people of whom a name, or a word of it, begins with what was typed. Those whose username begins so come first,
 * and of equals those who wrote last.
 */
export function peopleFor({ text, people, recent }: PeopleInput): Person[] {
  const wanted = plain(text);
  const rank = ({ username, display_name }: Person) => fitOf([username, display_name], wanted) ?? 2;
  const place = ({ user_id }: Person) => {
    const at = recent.indexOf(user_id);
    return at < 0 ? recent.length : at;
  };
  return people
    .map((person) => ({ person, rank: rank(person), place: place(person) }))
    .filter(({ rank }) => rank < 2)
    .sort(
      (one, other) =>
        one.rank - other.rank ||
        one.place - other.place ||
        one.person.username.localeCompare(other.person.username),
    )
    .slice(0, MOST_OFFERED)
    .map(({ person }) => person);
}

// In a room of so many everybody may mention all of it. docs/protocol.md, *Mentions*.
export const EVERYBODY_MAY = 20;

/** Whether a member may mention everybody in the room. `members` is null where not all are known. */
export function mayMentionAll(role: Member['role'] | null, members: number | null): boolean {
  if (role === 'owner' || role === 'moderator') return true;
  return role === 'member' && members !== null && members <= EVERYBODY_MAY;
}
