import type { Notify, NotifyLevel, Room } from 'tailwire-client/wire/protocol';
import { mediumTime } from '../../browser/time';
import { FOR_EVER, isMuted, type MuteChoice, mutedUntil, notifyOf } from '../../rooms/level';
import { Choices } from '../parts/Choices';
import { useApp, useSession } from '../parts/context';
import { Dialog } from '../parts/Dialog';
import { ErrorLine } from '../parts/Outcome';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';

const LEVELS: readonly { value: NotifyLevel; title: string; detail: string }[] = [
  { value: 'all', title: 'Every message', detail: 'Of everything that others write here.' },
  { value: 'mentions', title: 'Mentions', detail: 'Of what mentions you or answers you.' },
  {
    value: 'none',
    title: 'Nothing',
    detail: 'The room is dimmed, and has no number of unread messages.',
  },
];

const MUTES: readonly { choice: MuteChoice; label: string }[] = [
  { choice: 'hour', label: '1 hour' },
  { choice: 'workday', label: '8 hours' },
  { choice: 'tomorrow', label: 'Until tomorrow' },
  { choice: 'ever', label: 'For ever' },
];

/** Of which messages of a room the user is notified, and for how long of none. */
export function RoomNotices({ room, onClose }: { room: Room; onClose(): void }) {
  const { levels } = useSession();
  const { now } = useApp();
  const { error, run } = useWork();
  const notify = notifyOf(room);
  const minute = now.minute.value;
  const until = notify.muted_until;
  const isPaused = until !== null && isMuted({ notify: { ...notify, level: 'all' } }, minute);
  const set = (change: Partial<Notify>) => run(() => levels.change(room.id, change));
  return (
    <Dialog title="Notifications" onClose={onClose}>
      <form
        class="form"
        onChange={(event) => {
          const { value } = event.target as HTMLInputElement;
          const chosen = LEVELS.find((one) => one.value === value);
          if (chosen) void set({ level: chosen.value });
        }}
      >
        <Choices
          key={notify.level}
          legend="You are notified of"
          name="level"
          initial={notify.level}
          options={LEVELS}
        />
      </form>
      <section aria-labelledby="mute-title" class="mute">
        <h3 id="mute-title">Mute</h3>
        {isPaused ? (
          <>
            <p>{until >= FOR_EVER ? 'Muted for ever.' : `Muted until ${mediumTime(until)}.`}</p>
            <WorkButton class="button" onPress={() => set({ muted_until: null })}>
              Unmute
            </WorkButton>
          </>
        ) : (
          <>
            <p>Nothing is told of this room for a while.</p>
            <div class="mute-choices">
              {MUTES.map(({ choice, label }) => (
                <WorkButton
                  key={choice}
                  class="button"
                  onPress={() => set({ muted_until: mutedUntil(choice, new Date()) })}
                >
                  {label}
                </WorkButton>
              ))}
            </div>
          </>
        )}
      </section>
      <ErrorLine text={error} />
    </Dialog>
  );
}
