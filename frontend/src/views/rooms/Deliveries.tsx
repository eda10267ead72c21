import { useState } from 'preact/hooks';
import type { Delivery, Webhook } from 'tailwire-client/wire/webhooks';
import { mediumTime } from '../../browser/time';
import { outcomeText, type Webhooks } from '../../rooms/webhooks';
import type { PagedList } from '../../wire/paged_list';
import { LoadFailure } from '../parts/LoadFailure';
import { MoreButton } from '../parts/MoreButton';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';

/** What became of what was posted to a webhook. It is read when it is opened. */
export function Deliveries({ webhooks, webhook }: { webhooks: Webhooks; webhook: Webhook }) {
  const [lists, setLists] = useState<readonly PagedList<Delivery>[]>([]);
  const open = () => {
    const made = [true, false].map((dead) => webhooks.deliveries(webhook.webhook_id, dead));
    for (const list of made) void list.load();
    void webhooks.load(); // so that what is said of the webhook is as new as they are
    setLists(made);
  };
  const [dead, tried] = lists;
  return (
    <details onToggle={(event) => (event.currentTarget as HTMLDetailsElement).open && open()}>
      <summary>Deliveries to {webhook.host}</summary>
      {dead && (dead.items.value.length > 0 || dead.state.value === 'failed') && (
        <Lines title="Not taken" list={dead} isOver webhooks={webhooks} webhook={webhook} />
      )}
      {tried && (
        <Lines title="Newest attempts" list={tried} webhooks={webhooks} webhook={webhook} />
      )}
    </details>
  );
}

interface LinesProps {
  title: string;
  list: PagedList<Delivery>;
  /** The entries were given up. Of the others those that wait cannot be sent once more. */
  isOver?: boolean;
  webhooks: Webhooks;
  webhook: Webhook;
}

function Lines({ title, list, isOver = false, webhooks, webhook }: LinesProps) {
  const { error, done, run } = useWork();
  const items = list.items.value;
  const replay = (one: Delivery) =>
    run(
      () =>
        webhooks.replay(webhook.webhook_id, {
          epoch: one.epoch,
          from_seq: one.seq,
          to_seq: one.seq,
        }),
      `Entry ${one.seq} is sent once more.`,
    );
  return (
    <section aria-label={title}>
      <p class="login-detail">{title}</p>
      {list.state.value === 'failed' && (
        <LoadFailure error={list.error.value} onAgain={() => void list.load()} />
      )}
      {list.state.value === 'loaded' && items.length === 0 && <p class="form-note">Nothing yet.</p>}
      <ul class="logins">
        {items.map((one) => (
          <li class="login" key={`${one.delivery_id} ${one.at}`}>
            <p class="login-detail login-text">
              {mediumTime(one.at)}: {one.type} {one.seq} {outcomeText(one)}
            </p>
            {(isOver || one.outcome === 'delivered') && (
              <WorkButton
                class="button small"
                label={`Send entry ${one.seq} once more`}
                onPress={() => replay(one)}
              >
                Send again
              </WorkButton>
            )}
          </li>
        ))}
      </ul>
      <ErrorLine text={error} />
      <DoneLine text={done} />
      <MoreButton list={list}>Show more</MoreButton>
    </section>
  );
}
