import { useEffect, useId, useState } from 'preact/hooks';
import type { Room } from 'tailwire-client/wire/protocol';
import type { RenewedSecret, Webhook } from 'tailwire-client/wire/webhooks';
import { mediumTime } from '../../browser/time';
import { kindsText } from '../../rooms/webhook_kinds';
import { replayText, stateText, type Webhooks } from '../../rooms/webhooks';
import { Field } from '../parts/Field';
import { FormCard } from '../parts/FormCard';
import { type Fields, useForm, wrongIf } from '../parts/form';
import { DoneLine, ErrorLine } from '../parts/Outcome';
import { ShownOnce } from '../parts/ShownOnce';
import { SureButton } from '../parts/SureButton';
import { WorkButton } from '../parts/WorkButton';
import { useWork } from '../parts/work';
import { Deliveries } from './Deliveries';
import { chosenKinds, kindFields, WebhookKinds, wrongKinds } from './WebhookKinds';
import { URL_CHARACTERS, urlIn, wrongUrl } from './webhook_url';

interface WebhookProps {
  webhooks: Webhooks;
  webhook: Webhook;
}

interface WebhookPageProps extends WebhookProps {
  room: Room;
  /** The webhook was ended. */
  onEnded(): void;
}

/** One webhook, and all that an owner does with it. */
export function WebhookPage({ room, webhooks, webhook, onEnded }: WebhookPageProps) {
  const { error, done, run } = useWork();
  const { webhook_id: id, paused_by } = webhook;
  useEffect(() => void webhooks.load(), [webhooks]);
  return (
    <>
      <p class="login-name">
        <bdi>{webhook.url ?? webhook.host}</bdi>
      </p>
      <p class="form-note">
        {stateText(webhook)} {kindsText(webhook.kinds)}{' '}
        {webhook.replay && replayText(webhook.replay)}
      </p>
      <div class="form-actions">
        {webhook.next_attempt_at && (
          <WorkButton
            class="button"
            onPress={() => run(() => webhooks.set(id, { paused: false }), 'It is tried now.')}
          >
            Try now
          </WorkButton>
        )}
        <WorkButton
          class="button"
          onPress={() =>
            run(
              () => webhooks.set(id, { paused: !paused_by }),
              paused_by ? 'It goes on.' : 'It is paused.',
            )
          }
        >
          {paused_by ? 'Resume' : 'Pause'}
        </WorkButton>
        <SureButton
          class="button danger"
          sure="Really end it?"
          onPress={async () => {
            if (await run(() => webhooks.end(id))) onEnded();
          }}
        >
          End this webhook
        </SureButton>
      </div>
      <ErrorLine text={error} />
      <DoneLine text={done} />
      <Settings webhooks={webhooks} webhook={webhook} />
      <Secret webhooks={webhooks} webhook={webhook} />
      <h3 class="invites-heading">Deliveries</h3>
      <Deliveries webhooks={webhooks} webhook={webhook} />
      <Replay room={room} webhooks={webhooks} webhook={webhook} />
    </>
  );
}

/** Where a webhook posts, and what. */
function Settings({ webhooks, webhook }: WebhookProps) {
  const { webhook_id, kinds, url } = webhook;
  const [done, setDone] = useState('');
  const form = useForm<string>({
    names: ['url', ...kindFields(kinds)],
    limits: { url: URL_CHARACTERS },
    check: (fields) => [...wrongUrl(fields), ...wrongKinds(fields, kinds)],
    send: async (fields: Fields<string>) => {
      setDone('');
      const chosen = { kinds: chosenKinds(fields, kinds) };
      const moved = urlIn(fields) === url ? {} : { url: urlIn(fields) };
      await webhooks.set(webhook_id, { ...chosen, ...moved });
      setDone('It is saved.');
    },
  });
  return (
    <>
      <FormCard form={form} send="Save" sending="Saving…">
        <Field
          label="Address"
          {...form.field('url')}
          initial={url ?? ''}
          hint="Another one is given what follows, from where this one is. The secret stays."
        />
        <WebhookKinds form={form} kinds={kinds} />
      </FormCard>
      <DoneLine text={done} />
    </>
  );
}

function Secret({ webhooks, webhook }: WebhookProps) {
  const [renewed, setRenewed] = useState<RenewedSecret | null>(null);
  const { error, run } = useWork();
  const id = useId();
  return (
    <>
      <h3 class="invites-heading">Its secret</h3>
      {renewed ? (
        <ShownOnce
          key={renewed.secret}
          id={id}
          what="secret"
          secret={renewed.secret}
          label="The new secret"
          hint={`It is shown only now. Until ${mediumTime(renewed.earlier_until)} what is posted is signed with the earlier one, too, so give the receiver this one before then.`}
          onDone={() => setRenewed(null)}
        />
      ) : (
        <>
          <p class="form-note">
            With it the receiver checks that what comes is from here. A new one counts at once, and
            the earlier one still counts for a day.
          </p>
          <ErrorLine text={error} />
          <div class="form-actions">
            <WorkButton
              class="button"
              doing="Making…"
              onPress={() =>
                run(async () => setRenewed(await webhooks.renewSecret(webhook.webhook_id)))
              }
            >
              Make a new secret
            </WorkButton>
          </div>
        </>
      )}
    </>
  );
}

const NUMBER = /^[1-9]\d{0,14}$/;

function Replay({ room, webhooks, webhook }: WebhookProps & { room: Room }) {
  const [done, setDone] = useState('');
  const heading = useId();
  const form = useForm({
    names: ['from_seq', 'to_seq'],
    check: ({ from_seq, to_seq }) => [
      ...wrongIf(!NUMBER.test(from_seq.trim()), 'from_seq', 'Give the number of an entry.'),
      ...wrongIf(
        to_seq.trim() !== '' && !(NUMBER.test(to_seq.trim()) && Number(to_seq) >= Number(from_seq)),
        'to_seq',
        'Give the number of a later entry, or nothing.',
      ),
    ],
    send: async ({ from_seq, to_seq }) => {
      setDone('');
      const replay = await webhooks.replay(webhook.webhook_id, {
        epoch: room.epoch,
        from_seq: Number(from_seq),
        ...(to_seq.trim() && { to_seq: Number(to_seq) }),
      });
      setDone(replayText(replay));
    },
  });
  return (
    <>
      <h3 class="invites-heading" id={heading}>
        Send again
      </h3>
      <FormCard form={form} send="Send again" sending="Asking…" labelledBy={heading}>
        <Field
          label="From entry"
          {...form.field('from_seq')}
          hint={`The entries of the room have numbers. The newest is ${room.seq}. Those of what was posted stand in the deliveries.`}
        />
        <Field
          label="Up to entry"
          optional
          {...form.field('to_seq')}
          hint="Without it, all up to the last that was posted."
        />
      </FormCard>
      <DoneLine text={done} />
    </>
  );
}
