import type { Room } from 'tailwire-client/wire/protocol';
import { isLastOwner } from '../../rooms/governing';
import { useApp, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { ErrorLine } from '../parts/Outcome';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';

/** Asks whether the user really leaves the room. */
export function LeaveRoom({ room, onClose }: { room: Room; onClose(): void }) {
  const { members, membership, user_id: mine } = useSession();
  const { router } = useApp();
  const { error, run } = useWork();

  const known = members.of(room.id)?.members ?? [];
  const me = known.find(({ user_id }) => user_id === mine);
  const stuck = me !== undefined && isLastOwner(me, known);

  const leave = async () => {
    if (await run(() => membership.leave(room.id))) router.replace('#/');
  };

  return (
    <Dialog title={`Leave ${room.name}?`} onClose={onClose}>
      <p>
        {stuck
          ? 'A room keeps an owner. Make somebody else an owner first.'
          : room.visibility === 'private'
            ? 'It is private: to come back, someone has to invite you.'
            : 'It leaves your list. You can join it again at any time.'}
      </p>
      <ErrorLine text={error} />
      <div class="form-actions">
        <button type="button" class="button" onClick={onClose}>
          Stay
        </button>
        <WorkButton class="button danger" disabled={stuck} doing="Leaving…" onPress={leave}>
          Leave room
        </WorkButton>
      </div>
    </Dialog>
  );
}
