import { useState } from 'preact/hooks';
import type { PublicUser } from 'tailwire-client/wire/protocol';
import { roomHash } from '../../browser/router';
import { fitting } from '../../rooms/finding';
import { People } from '../../rooms/people';
import { Avatar } from '../parts/Avatar';
import { ChosenList } from '../parts/ChosenList';
import { useApp, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { ErrorLine } from '../parts/Outcome';
import { Picker } from '../parts/Picker';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';

// A direct room has ten people at most, the user included.
const MOST_OTHERS = 9;
const MOST_SHOWN = 6;

/** Chooses up to nine people, and opens the direct room with them. */
export function NewDirect({ onClose }: { onClose(): void }) {
  const { router } = useApp();
  const { clock, membership, titles, user_id: me, users } = useSession();
  const [people] = useState(() => new People(users, clock));
  const [chosen, setChosen] = useState<readonly PublicUser[]>([]);
  const { busy, error, run } = useWork();
  const isFull = chosen.length >= MOST_OTHERS;
  const ids = new Set([me, ...chosen.map(({ id }) => id)]);

  const itemsFor = (text: string) => {
    const wanted = bare(text);
    if (!wanted || isFull) return [];
    const others = people.found.value.filter(({ id }) => !ids.has(id));
    const namesOf = (user: PublicUser) => [titles.nameOf(user), user.username];
    return fitting(others, wanted, namesOf).slice(0, MOST_SHOWN);
  };
  const open = () => {
    if (busy || chosen.length === 0) return;
    return run(async () => {
      const room = await membership.direct(chosen.map(({ id }) => id));
      onClose();
      router.go(roomHash(room.id));
    });
  };

  return (
    <Dialog title="Write to people" onClose={onClose}>
      <Picker
        label="Name of a person"
        listLabel="People"
        placeholder="Name"
        itemsFor={itemsFor}
        onInput={(text) => people.look(bare(text))}
        keyOf={({ id }) => id}
        show={(user) => (
          <>
            <span class="room-mark faces">
              <Avatar {...user} />
            </span>
            <bdi>{titles.nameOf(user)}</bdi>
            <bdi class="switcher-more">@{user.username}</bdi>
          </>
        )}
        hint={() => 'Enter adds this person.'}
        none={(text) => {
          if (isFull) return 'A direct room has ten people at most.';
          if (bare(text).length > 1) return 'Nobody else is called so.';
          if (chosen.length > 0) return 'Add more people, or press Enter to write.';
          return 'Two letters of a name are enough. Up to nine people.';
        }}
        onPick={(user) => setChosen([...chosen, user])}
        clears
        onEmpty={() => void open()}
      />
      <ChosenList
        label="Chosen people"
        chosen={chosen}
        nameOf={(user) => titles.nameOf(user)}
        onChange={setChosen}
      />
      <ErrorLine text={error} />
      <div class="form-actions">
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
        <WorkButton
          class="button primary"
          disabled={chosen.length === 0}
          doing="Opening…"
          onPress={open}
        >
          Write
        </WorkButton>
      </div>
    </Dialog>
  );
}

function bare(text: string): string {
  return text.trim().replace(/^@/, '');
}
