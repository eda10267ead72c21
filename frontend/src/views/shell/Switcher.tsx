import { useState } from 'preact/hooks';
import type { Room } from 'tailwire-client/wire/protocol';
import { roomHash } from '../../browser/router';
import { Finder, type Found } from '../../rooms/finder';
import { asksForSomething, searchHash } from '../../rooms/query';
import { Avatar } from '../parts/Avatar';
import { useApp, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { ErrorLine } from '../parts/Outcome';
import { Picker } from '../parts/Picker';
import { RoomMark } from '../parts/RoomMark';
import { RoomTitle } from '../parts/RoomTitle';
import { useWork } from '../parts/work';

/** What the user may go to, or messages that hold what is written: those of one room, or of all. */
type Choice = Found | { kind: 'messages'; text: string; room: Room | null };

const HINTS = {
  room: 'Enter opens it.',
  person: 'Enter opens your direct room.',
  public: 'A public room. Enter shows it, so that you can join.',
  messages: 'Enter searches the messages.',
};

/**
 * Goes to a room or a person by a part of the name: those of the user at once, and what the server finds. Below them
 * are the messages in which it stands.
 */
export function Switcher({ onClose }: { onClose(): void }) {
  const { router } = useApp();
  const session = useSession();
  const { busy, error, run } = useWork();
  const [finder] = useState(
    () => new Finder({ ...session, hasDirect: session.features.value.has('direct') }),
  );
  const route = router.route.value;
  const here = route.name === 'room' ? session.rooms.get(route.id) : undefined;
  const hasSearch = session.features.value.has('search');
  const messagesFor = (text: string): Choice[] => {
    if (!hasSearch || !asksForSomething(text)) return [];
    return [null, ...(here ? [here] : [])].map((room) => ({ kind: 'messages', text, room }));
  };
  const go = (hash: string) => {
    onClose();
    router.go(hash);
  };
  const pick = (choice: Choice) => {
    if (choice.kind === 'messages') go(searchHash(choice.text.trim(), choice.room?.id));
    else if (choice.kind !== 'person') go(roomHash(choice.room.id));
    else if (!busy)
      void run(async () => go(roomHash((await session.membership.direct([choice.user.id])).id)));
  };
  return (
    <Dialog title="Go to a room or a person" onClose={onClose}>
      <Picker
        label={hasSearch ? 'Name of a room or a person, or words' : 'Name of a room or a person'}
        listLabel={hasSearch ? 'Rooms, people and messages' : 'Rooms and people'}
        itemsFor={(text): readonly Choice[] => [...finder.found(text), ...messagesFor(text)]}
        onInput={(text) => finder.look(text)}
        keyOf={keyOf}
        show={(choice) => <ChoiceItem choice={choice} />}
        hint={({ kind }) => (busy ? 'Opening…' : HINTS[kind])}
        none={() => 'Nothing here is called so.'}
        onPick={pick}
      />
      <ErrorLine text={error} />
    </Dialog>
  );
}

function ChoiceItem({ choice: found }: { choice: Choice }) {
  const { titles } = useSession();
  if (found.kind === 'messages')
    return (
      <>
        <span class="room-mark">
          <Icon name="search" size={18} />
        </span>
        <bdi>“{found.text.trim()}”</bdi>
        <bdi class="switcher-more">
          {found.room ? `in ${titles.of(found.room)}` : 'in all messages'}
        </bdi>
      </>
    );
  if (found.kind === 'person')
    return (
      <>
        <span class="room-mark faces">
          <Avatar {...found.user} />
        </span>
        <bdi>{titles.nameOf(found.user)}</bdi>
        <bdi class="switcher-more">@{found.user.username}</bdi>
      </>
    );
  return (
    <>
      <RoomMark room={found.room} />
      <bdi>
        <RoomTitle room={found.room} />
      </bdi>
      {found.kind === 'public' && <span class="switcher-more">not joined</span>}
    </>
  );
}

function keyOf(choice: Choice): string {
  const id = choice.kind === 'person' ? choice.user.id : choice.room?.id;
  return `${choice.kind} ${id ?? ''}`;
}
