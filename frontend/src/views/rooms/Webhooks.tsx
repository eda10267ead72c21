import { useEffect, useId, useState } from 'preact/hooks';
import type { Room } from 'tailwire-client/wire/protocol';
import type { MadeWebhook, Webhook } from 'tailwire-client/wire/webhooks';
import { mayManageWebhooks } from '../../rooms/governing';
import { kindsText } from '../../rooms/webhook_kinds';
import { stateText, type Webhooks as WebhookList } from '../../rooms/webhooks';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm } from '../parts/form';
import { LoadFailure } from '../parts/LoadFailure';
import { DoneLine } from '../parts/Outcome';
import { ShownOnce } from '../parts/ShownOnce';
import { chosenKinds, kindFields, WebhookKinds, wrongKinds } from './WebhookKinds';
import { URL_CHARACTERS, urlIn, wrongUrl } from './webhook_url';

interface WebhooksProps {
  room: Room;
  webhooks: WebhookList;
  /** Tells what was done last. */
  notice: string;
  onManage(webhook: Webhook): void;
}

/** The webhooks of a room: a list for its members, and for owners the ways to make and manage them. */
export function Webhooks({ room, webhooks, notice, onManage }: WebhooksProps) {
  const [made, setMade] = useState<MadeWebhook | null>(null);
  const heading = useId();
  const secret = useId();
  useEffect(() => void webhooks.load(), [webhooks]);
  const mayManage = mayManageWebhooks(room);
  const items = webhooks.items.value;
  const state = webhooks.state.value;
  return (
    <section class="integration-kind" aria-labelledby={heading}>
      <h3 id={heading}>Webhooks</h3>
      <p class="form-note">
        A webhook is the address of a program to which everything that is written here is posted, in
        order and never less.
      </p>
      {mayManage &&
        (made ? (
          <ShownOnce
            key={made.webhook_id}
            id={secret}
            what="secret"
            secret={made.secret}
            label={
              <>
                Secret of the webhook to <bdi>{made.host}</bdi>
              </>
            }
            hint="It is shown only now. With it the receiver checks that what comes is from here."
            done="Make another"
            onDone={() => setMade(null)}
          />
        ) : (
          <NewWebhook webhooks={webhooks} onMade={setMade} />
        ))}
      {items.length === 0 && state === 'loading' && <p role="status">Loading…</p>}
      {state === 'failed' && (
        <LoadFailure error={webhooks.error.value} onAgain={() => void webhooks.load()} />
      )}
      {state === 'loaded' && items.length === 0 && (
        <p class="form-note">This room has no webhooks.</p>
      )}
      <ul class="logins" aria-labelledby={heading}>
        {items.map((webhook) => (
          <li class="login" key={webhook.webhook_id}>
            <div class="login-text">
              <p class="login-name">
                <bdi>{webhook.url ?? webhook.host}</bdi>
              </p>
              <p class="login-detail">
                {stateText(webhook)} {kindsText(webhook.kinds)}
              </p>
            </div>
            {mayManage && (
              <button
                type="button"
                class="button small"
                aria-label={`Manage the webhook to ${webhook.host}`}
                onClick={() => onManage(webhook)}
              >
                Manage
              </button>
            )}
          </li>
        ))}
      </ul>
      <DoneLine text={notice} />
    </section>
  );
}

function NewWebhook(props: { webhooks: WebhookList; onMade(webhook: MadeWebhook): void }) {
  const form = useForm<string>({
    names: ['url', ...kindFields(null)],
    limits: { url: URL_CHARACTERS },
    check: (fields) => [...wrongUrl(fields), ...wrongKinds(fields, null)],
    send: async (fields) =>
      props.onMade(await props.webhooks.make(urlIn(fields), chosenKinds(fields, null))),
  });
  return (
    <FormCard form={form} send="Make a webhook" sending="Making…">
      <Field
        label="Address of a new webhook"
        {...form.field('url')}
        hint="It begins with https://. What is written from now on is posted there."
      />
      <WebhookKinds form={form} kinds={null} />
    </FormCard>
  );
}
