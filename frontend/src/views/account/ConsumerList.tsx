import { useEffect, useRef, useState } from 'preact/hooks';
import { Consumers, lagText } from '../../account/consumers';
import { ago, fullTime } from '../../browser/time';
import { useApp, useSession } from '../parts/context';
import { LoadFailure } from '../parts/LoadFailure';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { SureButton } from '../parts/SureButton';
import { useWork } from '../parts/work';

interface ConsumerListProps {
  /** Whose they are: a bot's, or with null the user's own. */
  of: string | null;
  heading: string;
}

/** Lists the consumers of a bot or of the user, how far each has read, and ends them. It is left out where there are none. */
export function ConsumerList({ of, heading }: ConsumerListProps) {
  const { features, requests, rooms, titles } = useSession();
  const { now } = useApp();
  const [consumers] = useState(() => new Consumers(requests, of));
  const { error, done, run } = useWork();
  const list = useRef<HTMLUListElement>(null);
  const isOffered = features.value.has('consumers');
  useEffect(() => {
    if (isOffered) void consumers.load();
  }, [consumers, isOffered]);
  const items = consumers.items.value;
  const hasFailed = consumers.state.value === 'failed';
  if (items.length === 0 && !hasFailed && !done) return null;
  const nameOf = (id: string) => {
    const room = rooms.get(id);
    return room ? titles.of(room) : id;
  };
  return (
    <>
      <h3 class="invites-heading">{heading}</h3>
      <p class="form-note">
        A consumer is a program that reads every entry of the rooms in order. The server keeps how
        far it has come.
      </p>
      {hasFailed && (
        <LoadFailure error={consumers.error.value} onAgain={() => void consumers.load()} />
      )}
      <ul class="logins" ref={list} tabIndex={-1} aria-label={heading}>
        {items.map((one) => (
          <li class="login" key={one.name}>
            <div class="login-text">
              <p class="login-name">
                <bdi>{one.name}</bdi>
              </p>
              <p class="login-detail" title={one.acked_at ? fullTime(one.acked_at) : undefined}>
                {lagText(one)}.{' '}
                {one.acked_at
                  ? `Last read ${ago(one.acked_at, now.minute.value)}`
                  : 'Has never read'}
              </p>
              {one.room_ids && (
                <p class="login-detail">
                  Only in <bdi>{one.room_ids.map(nameOf).join(', ')}</bdi>
                </p>
              )}
            </div>
            <SureButton
              class="button small"
              sure="Really end?"
              label={`End the consumer ${one.name}`}
              heir={list}
              onPress={() =>
                run(() => consumers.end(one.name), `The consumer ${one.name} is ended.`)
              }
            >
              End
            </SureButton>
          </li>
        ))}
      </ul>
      <ErrorLine text={error} />
      <DoneLine text={done} />
    </>
  );
}
