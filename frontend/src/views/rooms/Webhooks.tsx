import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { stateText, Webhooks as WebhookList } from '../../rooms/webhooks';
import type { Room } from '../../wire/protocol';
import type { MadeWebhook, Webhook } from '../../wire/webhooks';
import { useSession } from '../parts/context';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { useForm, wrongIf } from '../parts/form';
import { LoadFailure } from '../parts/LoadFailure';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';
import { Deliveries } from './Deliveries';

/** The longest address that the server takes. */
const URL_CHARACTERS = 2_048;

/** The webhooks of a room: a list for its members, and for owners the ways to manage them. */
export function Webhooks({ room }: { room: Room }) {
  const { requests } = useSession();
  const [webhooks] = useState(() => new WebhookList(requests, room.id));
  const [made, setMade] = useState<MadeWebhook | null>(null);
  const { error, done, run } = useWork();
  const list = useRef<HTMLUListElement>(null);
  const heading = useId();
  useEffect(() => void webhooks.load(), [webhooks]);
  const mayManage = room.role === 'owner' && room.kind !== 'direct' && !room.archived;
  const items = webhooks.items.value;
  const state = webhooks.state.value;
  const end = ({ webhook_id, host }: Webhook) =>
    run(async () => {
      await webhooks.end(webhook_id);
      if (made?.webhook_id === webhook_id) setMade(null);
    }, `The webhook to ${host} is ended.`);
  const setPaused = ({ webhook_id, host }: Webhook, paused: boolean) =>
    run(
      () => webhooks.setPaused(webhook_id, paused),
      `The webhook to ${host} ${paused ? 'is paused' : 'goes on'}.`,
    );
  return (
    <section class="integration-kind" aria-labelledby={heading}>
      <h3 id={heading}>Webhooks</h3>
      <p class="form-note">
        A webhook is the address of a program to which everything that is written here is posted, in
        order and never less.
      </p>
      {mayManage &&
        (made ? (
          <Secret key={made.webhook_id} webhook={made} onAnother={() => setMade(null)} />
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
      <ul class="logins" ref={list} tabIndex={-1} aria-labelledby={heading}>
        {items.map((webhook) => (
          <li class="login" key={webhook.webhook_id}>
            <div class="login-text">
              <p class="login-name">
                <bdi>{webhook.url ?? webhook.host}</bdi>
              </p>
              <p class="login-detail">
                {stateText(webhook)} {webhook.kinds && `Only ${webhook.kinds.join(', ')}.`}
              </p>
              {mayManage && <Deliveries webhooks={webhooks} webhook={webhook} />}
            </div>
            {mayManage && (
              <>
                <WorkButton
                  class="button small"
                  label={`${webhook.paused_by ? 'Resume' : 'Pause'} the webhook to ${webhook.host}`}
                  onPress={() => setPaused(webhook, !webhook.paused_by)}
                >
                  {webhook.paused_by ? 'Resume' : 'Pause'}
                </WorkButton>
                <WorkButton
                  class="button small"
                  label={`End the webhook to ${webhook.host}`}
                  heir={list}
                  onPress={() => end(webhook)}
                >
                  End
                </WorkButton>
              </>
            )}
          </li>
        ))}
      </ul>
      <ErrorLine text={error} />
      <DoneLine text={done} />
    </section>
  );
}

function NewWebhook(props: { webhooks: WebhookList; onMade(webhook: MadeWebhook): void }) {
  const form = useForm({
    names: ['url'],
    limits: { url: URL_CHARACTERS },
    check: ({ url }) =>
      wrongIf(!/^https?:\/\/\S+$/.test(url.trim()), 'url', 'Give an address with https://.'),
    send: async ({ url }) => props.onMade(await props.webhooks.make(url.trim())),
  });
  return (
    <FormCard form={form} send="Make a webhook" sending="Making…">
      <Field
        label="Address of a new webhook"
        {...form.field('url')}
        hint="It begins with https://. What is written from now on is posted there."
      />
    </FormCard>
  );
}

/** The secret of a webhook that was just made, to copy. */
function Secret({ webhook, onAnother }: { webhook: MadeWebhook; onAnother(): void }) {
  const secret = useRef<HTMLInputElement>(null);
  const id = useId();
  useEffect(() => {
    secret.current?.focus();
    secret.current?.select();
  }, []);
  return (
    <div class="form hook-address">
      <div class="field">
        <label for={id}>
          Secret of the webhook to <bdi>{webhook.host}</bdi>
        </label>
        <input
          id={id}
          ref={secret}
          value={webhook.secret}
          readOnly
          aria-describedby={`${id}-hint`}
        />
        <p class="field-hint" id={`${id}-hint`}>
          It is shown only now. With it the receiver checks that what comes is from here.
        </p>
      </div>
      <div class="form-actions">
        <button type="button" class="button" onClick={onAnother}>
          Make another
        </button>
      </div>
    </div>
  );
}
