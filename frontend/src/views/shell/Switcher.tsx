import { useState } from 'preact/hooks';
import { roomHash } from '../../browser/router';
import { Finder, type Found } from '../../rooms/finder';
import { Avatar } from '../parts/Avatar';
import { useApp, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { ErrorLine } from '../parts/Outcome';
import { Picker } from '../parts/Picker';
import { RoomMark } from '../parts/RoomMark';
import { RoomTitle } from '../parts/RoomTitle';
import { useWork } from '../parts/work';

const HINTS = {
  room: 'Enter opens it.',
  person: 'Enter opens your direct room.',
  public: 'A public room. Enter shows it, so that you can join.',
};

/** Goes to a room or a person by a part of the name: those of the user at once, and what the server finds. */
export function Switcher({ onClose }: { onClose(): void }) {
  const { router } = useApp();
  const session = useSession();
  const { busy, error, run } = useWork();
  const [finder] = useState(
    () => new Finder({ ...session, hasDirect: session.features.value.has('direct') }),
  );
  const go = (id: string) => {
    onClose();
    router.go(roomHash(id));
  };
  const pick = (found: Found) => {
    if (found.kind !== 'person') return go(found.room.id);
    if (!busy) void run(async () => go((await session.membership.direct([found.user.id])).id));
  };
  return (
    <Dialog title="Go to a room or a person" onClose={onClose}>
      <Picker
        label="Name of a room or a person"
        listLabel="Rooms and people"
        itemsFor={(text) => finder.found(text)}
        onInput={(text) => finder.look(text)}
        keyOf={keyOf}
        show={(found) => <FoundItem found={found} />}
        hint={({ kind }) => (busy ? 'Opening…' : HINTS[kind])}
        none={() => 'Nothing here is called so.'}
        onPick={pick}
      />
      <ErrorLine text={error} />
    </Dialog>
  );
}

function FoundItem({ found }: { found: Found }) {
  const { titles } = useSession();
  if (found.kind === 'person')
    return (
      <>
        <span class="room-mark faces">
          <Avatar username={found.user.username} />
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

function keyOf(found: Found): string {
  return `${found.kind} ${found.kind === 'person' ? found.user.id : found.room.id}`;
}
