import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Timeline } from 'tailwire-client/rooms/timeline';
import { replaceText } from '../../browser/field';
import { hasModifier } from '../../browser/keys';
import { People } from '../../rooms/people';
import {
  mayMentionAll,
  type Person,
  peopleFor,
  type Token,
  tokenAt,
} from '../../rooms/suggestions';
import { Avatar } from '../parts/Avatar';
import { useChoices } from '../parts/choices';
import { useApp, useSession } from '../parts/context';
import { Icon } from '../parts/Icon';
import type { CompletionKeys } from './CompletionPlace';
import { EVERYBODY } from './mentions';

type Suggestion =
  | { kind: 'person'; person: Person }
  | { kind: 'everybody' }
  | { kind: 'emoji'; emoji: string; name: string };

interface CompletionProps {
  field: RefObject<HTMLTextAreaElement | null>;
  room_id: string;
  /** Is given what handles the keys of the field. It returns whether the key did something in the list. */
  keys: CompletionKeys;
}

// So many entries back it is looked who wrote last.
const RECENT_ENTRIES = 100;
const MOST_EMOJI = 8;

/**
 * Offers names of people after `@` and emoji after `:` while somebody types in a field. The list is drawn beside the
 * field, in an element that is as wide as it. Enter and Tab take what is chosen, and Escape closes the list.
 */
export function Completion({ field, room_id, keys }: CompletionProps) {
  const { emoji } = useApp();
  const session = useSession();
  const { clock, members, names, rooms, timelines, user_id: me, users } = session;
  const [people] = useState(() => new People(users, clock));
  /** Where the name begins whose list was closed. */
  const closedAt = useRef<number | null>(null);
  const [isActive, setActive] = useState(false);

  const tokenNow = (): Token | null => {
    const element = field.current;
    if (!element || element.selectionStart !== element.selectionEnd) return null;
    const token = tokenAt(element.value, element.selectionStart);
    if (token?.sign === '@' && !session.features.value.has('mentions')) return null;
    if (token?.from !== closedAt.current) closedAt.current = null;
    return closedAt.current === null ? token : null;
  };

  const choices = useChoices<Suggestion>({
    textNow: () => {
      const token = tokenNow();
      return token && `${token.sign}${token.text}`;
    },
    itemsFor: (text) => (text.startsWith('@') ? byName(text.slice(1)) : byEmoji(text.slice(1))),
    onPick: (suggestion) => {
      const token = tokenNow();
      const element = field.current;
      if (!token || !element) return;
      const { from, text } = token;
      const to = from + 1 + text.length;
      const rest = element.value.slice(to);
      const written = writtenFor(suggestion, rest);
      const end = from + written.length;
      closedAt.current = from;
      replaceText(element, { from, to, text: written, start: end, end });
      close();
    },
  });
  const isOpen = isActive && choices.items.length > 0;

  function byName(text: string): Suggestion[] {
    const list = members.of(room_id);
    const known = list?.members ?? [];
    const isWhole = list?.state === 'loaded' && !list.more;
    const others = isWhole
      ? []
      : people.found.value.map(({ id, ...user }) => ({ user_id: id, ...user }));
    const byId = new Map<string, Person>();
    for (const one of [...others, ...known])
      if (one.user_id !== me) byId.set(one.user_id, { ...one, display_name: names.of(one) });
    const timeline = timelines.get(room_id)?.peek();
    const recent = timeline ? recentIn(timeline) : [];
    const found = peopleFor({ text, people: [...byId.values()], recent });
    const suggestions: Suggestion[] = found.map((person) => ({ kind: 'person', person }));
    const isEverybody = EVERYBODY.startsWith(text.toLowerCase());
    if (
      isEverybody &&
      mayMentionAll(rooms.get(room_id)?.role ?? null, isWhole ? known.length : null)
    )
      suggestions.push({ kind: 'everybody' });
    return suggestions;
  }

  function byEmoji(text: string): Suggestion[] {
    const found = emoji.value?.search(text) ?? [];
    return found
      .slice(0, MOST_EMOJI)
      .map(({ emoji, names }) => ({ kind: 'emoji', emoji, name: names[0] ?? '' }));
  }

  function close(): void {
    setActive(false);
  }

  function look(): void {
    const token = tokenNow();
    if (token?.sign === '@') lookForPeople(token.text);
    setActive(token !== null);
    choices.look();
  }

  /** Not all members of a large room are known here, so the server is asked. */
  function lookForPeople(text: string): void {
    const list = members.of(room_id);
    if (list?.state !== 'loaded' || list.more) people.look(text);
  }

  keys.current = (event) => {
    if (!isOpen) return false;
    if (choices.onArrow(event)) return true;
    if (event.key === 'Escape') {
      closedAt.current = tokenNow()?.from ?? null;
      close();
    } else if ((event.key !== 'Enter' && event.key !== 'Tab') || hasModifier(event)) return false;
    else if (!choices.pick()) return false;
    event.preventDefault();
    return true;
  };

  const latest = useRef({ look, close });
  latest.current = { look, close };
  useEffect(() => {
    const element = field.current;
    const onText = () => latest.current.look();
    const onMove = () => {
      if (document.activeElement === element) onText();
    };
    const onBlur = () => latest.current.close();
    element?.setAttribute('aria-autocomplete', 'list');
    element?.addEventListener('input', onText);
    element?.addEventListener('blur', onBlur);
    document.addEventListener('selectionchange', onMove);
    onMove(); // something may have been typed before this part of the page was loaded
    return () => {
      keys.current = null;
      element?.removeEventListener('input', onText);
      element?.removeEventListener('blur', onBlur);
      document.removeEventListener('selectionchange', onMove);
    };
  }, [field, keys]);

  // The field is drawn by another view.
  const { 'aria-controls': controls, 'aria-activedescendant': active } = choices.field;
  useLayoutEffect(() => {
    note(field.current, 'aria-controls', isOpen ? controls : undefined);
    note(field.current, 'aria-activedescendant', isOpen ? active : undefined);
  });

  return (
    <>
      {isOpen && (
        <Placed field={field}>
          <div {...choices.list} role="listbox" aria-label="Suggestions">
            {choices.items.map((suggestion, at) => (
              <div
                key={keyOf(suggestion)}
                class="completion"
                role="option"
                tabIndex={-1}
                {...choices.option(at)}
              >
                <Shown suggestion={suggestion} />
              </div>
            ))}
          </div>
        </Placed>
      )}
      <p class="visually-hidden" role="status">
        {isOpen && `${choices.items.length} suggestions. Enter takes one, Escape closes them.`}
      </p>
    </>
  );
}

function note(field: Element | null, name: string, value: string | undefined): void {
  if (value === undefined) field?.removeAttribute(name);
  else field?.setAttribute(name, value);
}

/** The text that takes the place of what was typed. A name needs a space before what follows. */
function writtenFor(suggestion: Suggestion, rest: string): string {
  if (suggestion.kind === 'emoji') return suggestion.emoji;
  const name = suggestion.kind === 'person' ? suggestion.person.username : EVERYBODY;
  return /^\s/.test(rest) ? `@${name}` : `@${name} `;
}

function keyOf(suggestion: Suggestion): string {
  if (suggestion.kind === 'person') return suggestion.person.user_id;
  return suggestion.kind === 'emoji' ? suggestion.emoji : suggestion.kind;
}

function Shown({ suggestion }: { suggestion: Suggestion }) {
  if (suggestion.kind === 'emoji')
    return (
      <>
        <span class="completion-emoji">{suggestion.emoji}</span>
        <span class="completion-name">:{suggestion.name}:</span>
      </>
    );
  if (suggestion.kind === 'everybody')
    return (
      <>
        <Icon name="people" size={18} />
        <span class="completion-name">@{EVERYBODY}</span>
        <span class="completion-detail">Everybody in this room</span>
      </>
    );
  const { username, display_name } = suggestion.person;
  return (
    <>
      <Avatar
        username={username}
        id={suggestion.person.user_id}
        avatar={suggestion.person.avatar}
      />
      <bdi class="completion-name">{display_name}</bdi>
      <bdi class="completion-detail">@{username}</bdi>
    </>
  );
}

interface PlacedProps {
  field: RefObject<HTMLElement | null>;
  children: ComponentChildren;
}

/** Stands above the field, or below it where what scrolls around it has no place above. */
function Placed({ field, children }: PlacedProps) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = place.current;
    const top = field.current?.getBoundingClientRect().top ?? 0;
    const edge = field.current?.closest('.timeline')?.getBoundingClientRect().top ?? 0;
    element?.classList.toggle('below', top - edge < element.offsetHeight);
  });
  return (
    <div ref={place} class="completions">
      {children}
    </div>
  );
}

/** The ids of those who wrote last. */
function recentIn({ entries }: Timeline): string[] {
  const ids = new Set<string>();
  for (const { user_id } of entries.slice(-RECENT_ENTRIES).reverse()) ids.add(user_id);
  return [...ids];
}
