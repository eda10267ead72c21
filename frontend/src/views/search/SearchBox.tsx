import type { RefObject } from 'preact';
import { useLayoutEffect, useMemo, useState } from 'preact/hooks';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import { onKeys } from '../../browser/keys';
import { type Offer, offersFor } from '../../rooms/offers';
import { People } from '../../rooms/people';
import { begunAt, completed } from '../../rooms/query';
import type { Search } from '../../rooms/search';
import { Avatar } from '../parts/Avatar';
import { useChoices } from '../parts/choices';
import { useSession } from '../parts/context';
import { Icon } from '../parts/Icon';
import { RoomMark } from '../parts/RoomMark';
import { RoomTitle } from '../parts/RoomTitle';

// docs/protocol.md, *Search*.
const QUERY_CHARACTERS = 256;

interface SearchBoxProps {
  field: RefObject<HTMLInputElement | null>;
  text: string;
  room: string | null;
  search: Search;
  onSearch(text: string): void;
  /** Goes down to what was found. Returns whether there is anything. */
  onDown(): boolean;
  /** Goes back to where the search was begun. */
  onLeave(): void;
}

/** Where the query is written. Values of filters are offered, and in an empty field what was searched for before. */
export function SearchBox({ field, text, room, search, onSearch, ...on }: SearchBoxProps) {
  const { clock, features, rooms, titles, users } = useSession();
  const [people] = useState(() => new People(users, clock));
  const known = usePeople(search, room);
  const [isOpen, setOpen] = useState(false);
  const partNow = () => {
    const { value = '', selectionStart = null } = field.current ?? {};
    return begunAt(value, selectionStart ?? value.length);
  };
  const choices = useChoices<Offer>({
    // What is offered depends on the place of the caret, too.
    textNow: () => {
      const { value, selectionStart } = field.current ?? { value: text, selectionStart: null };
      return value === '' || partNow() ? `${selectionStart} ${value}` : null;
    },
    itemsFor: () => {
      if (field.current?.value === '')
        return search.recent.list.value.map((text) => ({ kind: 'recent', text }));
      const part = partNow();
      const all = [...known, ...people.found.value];
      return part
        ? offersFor({
            ...{ part, titles, people: unique(all), rooms: rooms.sorted.value },
            features: features.value,
          })
        : [];
    },
    onPick: (offer) => {
      const input = field.current;
      if (!input) return;
      const part = partNow();
      if (offer.kind === 'recent') input.value = offer.text;
      else if (part) {
        const done = completed(input.value, part, offer.value);
        input.value = done.text;
        input.setSelectionRange(done.caret, done.caret);
      }
      submit();
    },
  });
  const items = isOpen ? choices.items : [];
  const submit = () => {
    setOpen(false);
    choices.look();
    onSearch(field.current?.value ?? '');
  };
  const look = () => {
    const part = partNow();
    if (part?.filter === 'from') people.look(part.value.replace(/^@/, ''));
    setOpen(true);
    choices.look();
  };

  // The address may change without this field: by "back", or by a filter.
  useLayoutEffect(() => {
    const input = field.current;
    if (input && input.value.replace(/\s+/g, ' ').trim() !== text) input.value = text;
    setOpen(false);
    choices.look();
  }, [text]);

  const onKeyDown = onKeys((event) => {
    if (event.key === 'Escape') {
      event.preventDefault();
      if (items.length > 0) setOpen(false);
      else on.onLeave();
    } else if (items.length > 0) choices.onArrow(event);
    else if (event.key === 'ArrowDown' && on.onDown()) event.preventDefault();
  });
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers of 2022 know no <search>
    <form
      role="search"
      class="search-box"
      onSubmit={(event) => {
        event.preventDefault();
        if (items.length === 0 || !choices.pick()) submit();
      }}
    >
      <input
        ref={field}
        class="search"
        type="text"
        enterkeyhint="search"
        role="combobox"
        aria-label="Search messages"
        aria-expanded={items.length > 0}
        data-place-heading
        defaultValue={text}
        maxLength={QUERY_CHARACTERS}
        placeholder="Words, or from:name, in:room"
        {...choices.field}
        {...(items.length === 0 && {
          'aria-controls': undefined,
          'aria-activedescendant': undefined,
        })}
        onInput={look}
        onClick={look}
        onFocus={look}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      <button type="submit" class="icon-button" aria-label="Search" title="Search">
        <Icon name="search" />
      </button>
      <div
        {...choices.list}
        role="listbox"
        class="search-offers"
        aria-label={field.current?.value ? 'Values of the filter' : 'Searched for lately'}
        hidden={items.length === 0}
      >
        {items.map((offer, at) => (
          <div
            key={offer.kind === 'recent' ? offer.text : offer.value}
            class="switcher-room"
            role="option"
            tabIndex={-1}
            {...choices.option(at)}
          >
            <OfferItem offer={offer} />
          </div>
        ))}
      </div>
    </form>
  );
}

function OfferItem({ offer }: { offer: Offer }) {
  const { titles } = useSession();
  switch (offer.kind) {
    case 'recent':
      return (
        <>
          <Icon name="search" size={16} />
          <bdi>{offer.text}</bdi>
        </>
      );
    case 'word':
      return (
        <>
          <bdi>{offer.value}</bdi>
          <span class="switcher-more">{offer.says}</span>
        </>
      );
    case 'person':
      return (
        <>
          <span class="room-mark faces">
            <Avatar {...offer.user} />
          </span>
          <bdi>{titles.nameOf(offer.user)}</bdi>
          <bdi class="switcher-more">@{offer.user.username}</bdi>
        </>
      );
    case 'room':
      return (
        <>
          <RoomMark room={offer.room} />
          <bdi>
            <RoomTitle room={offer.room} />
          </bdi>
        </>
      );
  }
}

/** Who may have written what is looked for, as far as this page knows them. */
function usePeople(search: Search, room: string | null): readonly PublicUser[] {
  const { members, rooms } = useSession();
  const found = search.items.value;
  const listed = (room && members.of(room)?.members) || undefined;
  const sorted = rooms.sorted.value;
  return useMemo(
    () =>
      unique([
        ...(listed ?? []).map(({ user_id, username, display_name, avatar }) => ({
          ...{ id: user_id, username, display_name, avatar: avatar ?? null },
        })),
        ...found.map(({ user_id, username }) => ({ id: user_id, username, display_name: '' })),
        ...sorted.flatMap(({ users = [] }) => users),
      ]),
    [found, listed, sorted],
  );
}

function unique(people: readonly PublicUser[]): PublicUser[] {
  return [...new Map(people.map((user) => [user.id, user])).values()];
}
